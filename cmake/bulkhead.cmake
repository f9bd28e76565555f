# How a room adds itself: a library, a program, a static program, a unit test, and seccomp policies.
#
#   bulkhead_library(NAME SOURCES... [DEPS ...])
#   bulkhead_program(NAME SOURCES... [DEPS ...])            dynamic, into <build>/bin
#   bulkhead_wipes_on_free(NAME)                            memory that held a credential is cleared when it is freed
#   bulkhead_static_program(NAME SOURCES... [DEPS ...])     static-pie: small helpers share their text, need no loader
#   bulkhead_worker_program(NAME SOURCES... [DEPS ...])     dynamic, but for what has an archive: the least to load
#   bulkhead_unit_test(NAME SOURCES... [DEPS ...])          GoogleTest, ctest name unit.NAME, no root needed
include_guard(GLOBAL)

function(bulkhead_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE bulkhead-flags)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
endfunction()

function(bulkhead_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE bulkhead-flags ${ARG_DEPS})
endfunction()

# What a program frees is cleared. Not under sanitizers, whose free() it would replace.
function(bulkhead_wipes_on_free name)
  if(NOT BULKHEAD_SANITIZE)
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/daemons/common/base/wipe-on-free.cc)
  endif()
endfunction()

function(bulkhead_static_program name)
  bulkhead_program(${name} ${ARGN})
  if(NOT BULKHEAD_SANITIZE) # the sanitizers' runtimes are shared objects
    target_link_options(${name} PRIVATE -static-pie)
  endif()
endfunction()

function(bulkhead_worker_program name)
  bulkhead_program(${name} ${ARGN})
  if(NOT BULKHEAD_SANITIZE)
    # Libraries by name are archives until -static-libstdc++, which comes last and turns that off for libm and libc.
    target_link_options(${name} PRIVATE -Wl,-Bstatic -static-libstdc++ -static-libgcc)
  endif()
endfunction()

function(bulkhead_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name}-test ${ARG_SOURCES})
  target_link_libraries(${name}-test PRIVATE bulkhead-flags ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  set_target_properties(${name}-test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME unit.${name} COMMAND ${name}-test)
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT 120 LABELS unit)
endfunction()
