mesh_test(unit_stun LABEL unit SOURCES wire_stun_test.cpp DEPENDS mesh_wire)
