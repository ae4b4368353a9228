# Man pages, completions, systemd units and the Debian package.
add_test(NAME man_pages COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_LIST_DIR}/man_pages_test.py
  ${CMAKE_SOURCE_DIR}/man ${CMAKE_BINARY_DIR}/bin)
add_test(NAME completion COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/completion_test.sh
  ${CMAKE_SOURCE_DIR}/packaging/completion ${CMAKE_BINARY_DIR}/bin)
set_tests_properties(man_pages completion PROPERTIES LABELS unit)
# A package of instrumented programs is of no use to anybody.
if(NOT MESHNODE_SANITIZE)
  add_test(NAME package COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/package_test.sh
    ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  set_tests_properties(package PROPERTIES LABELS unit TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
