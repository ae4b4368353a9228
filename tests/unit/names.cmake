mesh_test(unit_names LABEL unit
  SOURCES names_label_test.cpp names_responder_test.cpp names_table_test.cpp
  DEPENDS mesh_names)
