# What `cmake --install` puts where, and the Debian package (`cpack -G DEB` in the build folder).
include(GNUInstallDirs)

install(TARGETS meshnode meshhub meshctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS meshnode-dht RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/meshnode)
install(FILES man/meshctl.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES man/meshnode.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES man/meshnode.8 man/meshhub.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES packaging/grafana/meshnode.json DESTINATION ${CMAKE_INSTALL_DATADIR}/meshnode/grafana)
# meshnode.service is one node, meshnode@.service one for each interface: the same but for these words.
function(mesh_unit name NOTE CONFIG OPTIONS)
  configure_file(packaging/systemd/meshnode.service.in ${CMAKE_BINARY_DIR}/systemd/${name} @ONLY)
endfunction()
mesh_unit(meshnode.service "" /etc/meshnode/meshnode.conf "")
mesh_unit(meshnode@.service " (%i)" /etc/meshnode/%i.conf " --interface %i")
# Only where systemd looks for them, whatever the prefix.
install(FILES ${CMAKE_BINARY_DIR}/systemd/meshnode.service ${CMAKE_BINARY_DIR}/systemd/meshnode@.service
  packaging/systemd/meshhub.service DESTINATION lib/systemd/system)
install(FILES packaging/sysusers.conf DESTINATION lib/sysusers.d RENAME meshnode.conf)
install(FILES packaging/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME meshnode.conf)
install(FILES packaging/polkit/meshnode.rules DESTINATION ${CMAKE_INSTALL_DATADIR}/polkit-1/rules.d)
install(FILES packaging/completion/meshctl.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME meshctl)
install(FILES packaging/completion/meshnode.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME meshnode)
install(FILES packaging/completion/_meshctl packaging/completion/_meshnode
  DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES packaging/completion/meshctl.fish packaging/completion/meshnode.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME meshnode)
set(CPACK_PACKAGE_VERSION ${MESHNODE_VERSION})
# The same bytes for everybody who builds the same commit in the same environment.
file(WRITE ${CMAKE_BINARY_DIR}/reproducible.cmake "set(ENV{SOURCE_DATE_EPOCH} ${MESHNODE_EPOCH})\n")
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_BINARY_DIR}/reproducible.cmake)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "serverless mesh VPN: every member is one encrypted hop away")
set(CPACK_PACKAGE_CONTACT "the authors of meshnode <meshnode@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers")
# Names of members by systemd-resolved, which the service may tell by a rule of polkit.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "systemd-resolved, polkitd")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${CMAKE_SOURCE_DIR}/packaging/debian/postinst"
  "${CMAKE_SOURCE_DIR}/packaging/debian/prerm" "${CMAKE_SOURCE_DIR}/packaging/debian/postrm")
include(CPack)
