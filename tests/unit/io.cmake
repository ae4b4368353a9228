mesh_test(unit_io LABEL unit
  SOURCES io_bell_test.cpp io_child_program_test.cpp io_event_loop_test.cpp io_interface_monitor_test.cpp io_if_slow_test.cpp io_lan_socket_test.cpp io_log_test.cpp
    io_resolver_test.cpp io_service_manager_test.cpp io_stream_server_test.cpp io_udp_offloads_test.cpp io_udp_socket_test.cpp
  DEPENDS mesh_io test_namespace)
mesh_test(unit_io_allocation LABEL unit SOURCES io_allocation_test.cpp
  DEPENDS mesh_io mesh_tun test_namespace test_counted_new)
