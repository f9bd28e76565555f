# Compiler settings for first-party code. Warnings are errors; hardening is on in every build type.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# -g1 keeps backtraces with line numbers at a third of the build time and size of -g.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

add_library(bulkhead-flags INTERFACE)
target_compile_options(bulkhead-flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wcast-align -Woverloaded-virtual
  -Wno-missing-field-initializers
  -fstack-protector-strong -fstack-clash-protection)
target_include_directories(bulkhead-flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_link_options(bulkhead-flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)

set(BULKHEAD_SANITIZE "" CACHE STRING "sanitizers for the whole build, as for -fsanitize=")
if(BULKHEAD_SANITIZE)
  add_compile_options(-fsanitize=${BULKHEAD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BULKHEAD_SANITIZE})
  add_compile_definitions(BULKHEAD_SANITIZED=1)
else()
  # glibc's fortify checks and the sanitizers' interceptors do not mix.
  target_compile_options(bulkhead-flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
