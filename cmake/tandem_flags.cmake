# Warnings, hardening and sanitizers, as one interface target every module links.
add_library(tandem_flags INTERFACE)
target_compile_options(tandem_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor -Werror
  -fno-omit-frame-pointer)
# base/mutex.h: state is touched only with its mutex held. g++ has no such check.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(tandem_flags INTERFACE -Wthread-safety -Werror=thread-safety)
endif()
# The TRY and MUST macros use statement expressions; __int128 is the version's type.
target_compile_options(tandem_flags INTERFACE -Wno-pedantic)
target_include_directories(tandem_flags INTERFACE "${PROJECT_SOURCE_DIR}/src")

set(TANDEM_SANITIZE "" CACHE STRING "Comma separated -fsanitize= list")
if(TANDEM_SANITIZE)
  target_compile_options(tandem_flags INTERFACE
    -fsanitize=${TANDEM_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tandem_flags INTERFACE -fsanitize=${TANDEM_SANITIZE})
endif()

# Every module tells the fuzzer which branches an input took; the targets bring the fuzzer itself.
if(TANDEM_FUZZ)
  target_compile_options(tandem_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()
