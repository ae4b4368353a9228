# Compiler switches for every target of ours: mesh_options is linked PRIVATE by mesh_library() and
# mesh_program(). Warnings are errors, on both compilers.
add_library(mesh_options INTERFACE)
target_compile_options(mesh_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Wnull-dereference
  -fno-strict-aliasing -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports null dereferences and overflows inside its own containers once it inlines them.
  target_compile_options(mesh_options INTERFACE
    -Wno-null-dereference -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-restrict
    -Wno-maybe-uninitialized)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(mesh_options INTERFACE _GLIBCXX_ASSERTIONS)
elseif(NOT MESHNODE_SANITIZE)
  target_compile_options(mesh_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(MESHNODE_SANITIZE)
  # Debug with -O1, and lines only: a sanitized run of everything must stay affordable on two cores.
  add_compile_options(-fsanitize=${MESHNODE_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -O1 -g1)
  add_link_options(-fsanitize=${MESHNODE_SANITIZE})
  add_compile_definitions(MESHNODE_SANITIZED)
endif()

# What only judges and need not be fast: tests are the larger half of every build, so they are
# compiled without optimisation and with line numbers only. Linked after mesh_options.
add_library(mesh_test_options INTERFACE)
if(MESHNODE_SANITIZE OR NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(mesh_test_options INTERFACE -O0 -g1 "SHELL:-U _FORTIFY_SOURCE")
endif()

if(MESHNODE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# mesh_library(NAME SOURCES... [DEPENDS targets...]): one folder under src/, one target.
function(mesh_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS} mesh_options)
endfunction()

function(mesh_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} mesh_options)
endfunction()
