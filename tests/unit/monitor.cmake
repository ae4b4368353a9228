mesh_test(unit_monitor LABEL unit
  SOURCES monitor_hooks_test.cpp monitor_hosts_test.cpp monitor_message_test.cpp monitor_rights_test.cpp
    monitor_resolved_test.cpp monitor_workers_test.cpp
  DEPENDS mesh_monitor)
