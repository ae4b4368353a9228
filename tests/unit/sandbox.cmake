mesh_test(unit_sandbox LABEL unit SOURCES sandbox_test.cpp DEPENDS mesh_sandbox)
