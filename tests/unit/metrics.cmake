mesh_test(unit_metrics LABEL unit SOURCES metrics_test.cpp DEPENDS mesh_metrics)
mesh_test(unit_metrics_text LABEL unit SOURCES node_metrics_test.cpp DEPENDS mesh_node mesh_hub)
target_compile_definitions(unit_metrics_text PRIVATE MESHNODE_GOLDEN="${CMAKE_CURRENT_LIST_DIR}/golden")
add_test(NAME metrics_files COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/metrics_files_test.py
  ${CMAKE_CURRENT_LIST_DIR}/golden ${CMAKE_SOURCE_DIR}/packaging/grafana/meshnode.json ${CMAKE_SOURCE_DIR}/docs/metrics.md)
set_tests_properties(metrics_files PROPERTIES LABELS unit SKIP_RETURN_CODE 77)
