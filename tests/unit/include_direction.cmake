# The shape of src/ (docs/architecture.md), and the proof that the test can fail.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(include_direction ${CMAKE_CURRENT_LIST_DIR}/include_direction_test.py)
add_test(NAME include_direction
  COMMAND ${Python3_EXECUTABLE} -B ${include_direction} ${CMAKE_SOURCE_DIR}/src)
add_test(NAME include_direction.self_test
  COMMAND ${Python3_EXECUTABLE} -B ${include_direction} --self-test)
set_tests_properties(include_direction include_direction.self_test PROPERTIES LABELS unit)
