mesh_test(unit_wire LABEL unit
  SOURCES
    wire_beacon_test.cpp
    wire_control_test.cpp
    wire_data_frame_test.cpp
    wire_edges_test.cpp
    wire_endpoint_test.cpp
    wire_envelope_test.cpp
    wire_gossip_test.cpp
    wire_handshake_test.cpp
    wire_introduction_test.cpp
    wire_ip_test.cpp
    wire_name_test.cpp
    wire_payload_test.cpp
    wire_piece_test.cpp
    wire_probe_test.cpp
    wire_record_test.cpp
    wire_trace_test.cpp
    wire_types_test.cpp
  DEPENDS mesh_wire)
