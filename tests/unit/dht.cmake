# What passes the validator must not hurt the real OpenDHT.
mesh_test(unit_dht LABEL "unit;dht"
  SOURCES wire_dht_message_test.cpp discovery_dht_shim_test.cpp discovery_dht_shim_real_test.cpp
  DEPENDS mesh_discovery PkgConfig::OPENDHT)
target_compile_definitions(unit_dht PRIVATE MSGPACK_NO_BOOST MSGPACK_DISABLE_LEGACY_NIL
                           MSGPACK_DISABLE_LEGACY_CONVERT)

# The Port, its messages, the child process and its sandbox.
mesh_test(unit_dht_port LABEL "unit;dht"
  SOURCES dht_messages_test.cpp dht_port_test.cpp dht_return_paths_test.cpp
  DEPENDS mesh_dht)
mesh_test(unit_dht_child LABEL "unit;dht"
  SOURCES dht_port_real_test.cpp dht_program_test.cpp dht_refused_nodes_test.cpp dht_sandbox_test.cpp
  DEPENDS mesh_hub mesh_dht_child mesh_dht_sandbox PkgConfig::SECCOMP)
add_dependencies(unit_dht_child meshnode-dht)
target_compile_definitions(unit_dht_child PRIVATE
  MESHNODE_DHT_PROGRAM="$<TARGET_FILE:meshnode-dht>")
add_test(NAME only_the_child_links_opendht
  COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/linkage_test.sh ${CMAKE_BINARY_DIR}/bin)
set_tests_properties(only_the_child_links_opendht PROPERTIES LABELS unit)
