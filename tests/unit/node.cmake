mesh_test(unit_node LABEL unit
  SOURCES node_atomic_file_kill_test.cpp node_atomic_file_test.cpp node_config_test.cpp node_cpu_test.cpp node_members_test.cpp node_reload_test.cpp node_start_rules_test.cpp
          node_state_dir_test.cpp node_task_queue_test.cpp node_terminal_test.cpp
  DEPENDS mesh_node mesh_overlay mesh_crypto mesh_wire)
mesh_test(unit_host LABEL unit SOURCES node_hook_facts_test.cpp node_name_service_test.cpp DEPENDS mesh_host)
mesh_test(unit_sealing LABEL unit SOURCES node_sealing_thread_test.cpp DEPENDS mesh_sealing)
# A sanitizer has the counted functions for itself.
if(NOT MESHNODE_SANITIZE)
  mesh_test(unit_sealing_counts LABEL unit SOURCES node_sealing_counts_test.cpp
    DEPENDS mesh_sealing test_counted_new test_counted_calls)
endif()
