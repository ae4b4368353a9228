mesh_test(unit_dataplane LABEL unit
  SOURCES
    dataplane_checksum_test.cpp
    dataplane_coalesce_random_test.cpp
    dataplane_coalesce_test.cpp
    dataplane_ecn_test.cpp
    dataplane_event_batch_test.cpp
    dataplane_random_tunnel_test.cpp
    dataplane_pieces_test.cpp
    dataplane_replay_window_test.cpp
    dataplane_runs_test.cpp
    dataplane_rx_frames_test.cpp
    dataplane_rx_pump_test.cpp
    dataplane_segment_test.cpp
    dataplane_split_test.cpp
    dataplane_token_bucket_test.cpp
    dataplane_tunnel_test.cpp
    dataplane_tx_pump_test.cpp
    dataplane_wear_test.cpp
  DEPENDS mesh_dataplane)

mesh_test(unit_dataplane_allocation LABEL unit SOURCES dataplane_allocation_test.cpp DEPENDS mesh_dataplane test_counted_new)
