# add_pg_extension(NAME VERSION v SQL scripts SOURCES a.cpp ... [DEPS core libraries])
#
# Builds NAME.so for the server found by FindPostgreSQLServer, with the rules of the boundary between
# Postgres and C++ (extension/README.md):
#   * the shell files are compiled without exceptions and RTTI, with Postgres' aliasing and overflow rules;
#   * a second copy of them is compiled with exceptions, only to be looked at: a reference to _Unwind_Resume
#     means that a destructor is live across a call that may longjmp (the test NAME_unwind);
#   * a version script exports what Postgres looks up and nothing else (the test NAME_exports).
# The install rule puts the module, the control file and the SQL scripts where pg_config says.
function(add_pg_extension name)
  cmake_parse_arguments(arg "" "VERSION" "SQL;SOURCES;DEPS" ${ARGN})

  # The shell sees the modules with facades and no others: Postgres and src/ both have a
  # catalog/catalog.h, and headers of Postgres mean their own.
  set(core "${CMAKE_CURRENT_BINARY_DIR}/core")
  file(MAKE_DIRECTORY "${core}")
  foreach(module base clickhouse route sqltext telemetry types)
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/src/${module}" "${core}/${module}" SYMBOLIC)
  endforeach()

  # Linked after tandem_flags, so that the switches for Postgres' macros win.
  add_library(${name}_shell_flags INTERFACE)
  target_compile_options(${name}_shell_flags INTERFACE -fno-strict-aliasing -fwrapv -Wno-register
    -Wno-old-style-cast -Wno-sign-conversion -Wno-conversion)
  add_library(${name}_shell OBJECT ${arg_SOURCES})
  target_compile_options(${name}_shell PRIVATE -fno-exceptions -fno-rtti)
  target_compile_options(${name}_shell PRIVATE $<TARGET_PROPERTY:tandem_flags,INTERFACE_COMPILE_OPTIONS>)
  target_link_libraries(${name}_shell PRIVATE ${name}_shell_flags PostgreSQL::Server)
  target_include_directories(${name}_shell PRIVATE "${PROJECT_SOURCE_DIR}" "${core}")
  target_compile_definitions(${name}_shell PRIVATE TANDEM_VERSION="${arg_VERSION}")

  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/${name}.map"
    "{ global: Pg_magic_func; _PG_init; pg_finfo_${name}_*; ${name}_*; local: *; };\n")
  add_library(${name}_extension MODULE $<TARGET_OBJECTS:${name}_shell>)
  set_target_properties(${name}_extension PROPERTIES
    OUTPUT_NAME ${name} PREFIX "" SUFFIX ".so" LINKER_LANGUAGE CXX
    LINK_DEPENDS "${CMAKE_CURRENT_BINARY_DIR}/${name}.map")
  target_link_libraries(${name}_extension PRIVATE tandem_flags ${arg_DEPS})
  target_link_options(${name}_extension PRIVATE
    "-Wl,--version-script=${CMAKE_CURRENT_BINARY_DIR}/${name}.map" -Wl,--exclude-libs,ALL)

  set(control "${CMAKE_CURRENT_BINARY_DIR}/${name}.control")
  configure_file("${CMAKE_CURRENT_SOURCE_DIR}/${name}.control.in" "${control}" @ONLY)
  install(TARGETS ${name}_extension LIBRARY DESTINATION "${PG_PKGLIBDIR}" COMPONENT extension)
  install(FILES "${control}" ${arg_SQL}
          DESTINATION "${PG_SHAREDIR}/extension" COMPONENT extension)

  if(TANDEM_TESTS)
    # A sanitizer's own bookkeeping looks like a destructor; linked last, so that it wins.
    add_library(${name}_uninstrumented INTERFACE)
    target_compile_options(${name}_uninstrumented INTERFACE -fno-sanitize=all)
    add_library(${name}_shell_unwind OBJECT ${arg_SOURCES})
    target_compile_options(${name}_shell_unwind PRIVATE -fexceptions -fno-rtti)
    target_compile_options(${name}_shell_unwind PRIVATE
      $<TARGET_PROPERTY:tandem_flags,INTERFACE_COMPILE_OPTIONS>)
    target_link_libraries(${name}_shell_unwind PRIVATE ${name}_shell_flags PostgreSQL::Server
      ${name}_uninstrumented)
    target_include_directories(${name}_shell_unwind PRIVATE "${PROJECT_SOURCE_DIR}" "${core}")
    target_compile_definitions(${name}_shell_unwind PRIVATE TANDEM_VERSION="${arg_VERSION}")
    add_test(NAME ${name}_unwind
      COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/test/no_unwind.sh" "$<TARGET_OBJECTS:${name}_shell_unwind>"
      COMMAND_EXPAND_LISTS)
    add_test(NAME ${name}_exports
      COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/test/exports.sh" ${name} "$<TARGET_FILE:${name}_extension>")
    set_tests_properties(${name}_unwind ${name}_exports PROPERTIES LABELS "unit;lint" TIMEOUT 30)
  endif()
endfunction()

# must_not_compile(NAME FILE MESSAGE [flags ...]): a test that passes when the compiler rejects the file with
# a message that matches, so that it cannot pass for another reason.
function(must_not_compile name file message)
  add_test(NAME must_not_compile.${name}
    COMMAND "${CMAKE_CXX_COMPILER}" -std=gnu++20 -fsyntax-only ${ARGN} "${file}")
  set_tests_properties(must_not_compile.${name} PROPERTIES
    PASS_REGULAR_EXPRESSION "${message}" LABELS "unit;lint" TIMEOUT 60)
endfunction()
