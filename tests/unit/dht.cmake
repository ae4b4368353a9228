# The only unit tests that know OpenDHT: what passes the validator must not hurt the real one.
if(NOT TARGET PkgConfig::OPENDHT)
  pkg_check_modules(OPENDHT REQUIRED IMPORTED_TARGET opendht)
endif()
mesh_test(unit_dht LABEL "unit;dht"
  SOURCES wire_dht_message_test.cpp discovery_dht_shim_test.cpp discovery_dht_shim_real_test.cpp
  DEPENDS mesh_discovery PkgConfig::OPENDHT)
target_compile_definitions(unit_dht PRIVATE MSGPACK_NO_BOOST MSGPACK_DISABLE_LEGACY_NIL
                           MSGPACK_DISABLE_LEGACY_CONVERT)
