mesh_test(unit_tun LABEL unit
  SOURCES tun_configure_test.cpp tun_device_test.cpp tun_offloads_test.cpp tun_vnet_header_test.cpp
  DEPENDS mesh_tun mesh_io mesh_dataplane test_namespace)
