# MESHNODE_VERSION: from git, the same for everybody who builds the same commit.
#   tagged vX.Y.Z     X.Y.Z
#   any other commit  X.Y.Z+git20261121.1a2b3c4d  (date of the commit, UTC; +dirty with changes)
#   without git       X.Y.Z
# And SOURCE_DATE_EPOCH, the time of that commit, for the package.
set(MESHNODE_VERSION ${PROJECT_VERSION})
set(MESHNODE_EPOCH 0)
find_package(Git QUIET)
function(mesh_git out)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env TZ=UTC ${GIT_EXECUTABLE} -C ${CMAKE_SOURCE_DIR} ${ARGN}
    OUTPUT_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(status EQUAL 0)
    set(${out} "${text}" PARENT_SCOPE)
  else()
    set(${out} "" PARENT_SCOPE)
  endif()
endfunction()

if(Git_FOUND AND EXISTS ${CMAKE_SOURCE_DIR}/.git)
  mesh_git(tag describe --tags --exact-match --match "v${PROJECT_VERSION}")
  mesh_git(commit log -1 --format=%cd.%h --abbrev=8 --date=format-local:%Y%m%d)
  mesh_git(epoch log -1 --format=%ct)
  mesh_git(changes status --porcelain --untracked-files=no)
  if(commit AND NOT tag)
    string(APPEND MESHNODE_VERSION "+git${commit}")
  endif()
  if(commit AND changes)
    string(APPEND MESHNODE_VERSION "+dirty")
  endif()
  if(epoch)
    set(MESHNODE_EPOCH ${epoch})
  endif()
endif()
