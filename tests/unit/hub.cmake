mesh_test(unit_hub LABEL unit
  SOURCES hub_config_test.cpp hub_known_nodes_test.cpp hub_program_test.cpp
  DEPENDS mesh_hub)
add_dependencies(unit_hub meshhub)
target_compile_definitions(unit_hub PRIVATE MESHHUB_PROGRAM="$<TARGET_FILE:meshhub>")
