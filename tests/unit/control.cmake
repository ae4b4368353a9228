mesh_test(unit_control LABEL unit
  SOURCES control_printable_test.cpp control_protocol_test.cpp control_snapshot_test.cpp
          control_server_test.cpp control_ctl_test.cpp control_find_peer_test.cpp control_later_test.cpp control_map_test.cpp
          control_reports_test.cpp control_why_test.cpp
  DEPENDS mesh_control mesh_ctl mesh_overlay nlohmann_json::nlohmann_json)
