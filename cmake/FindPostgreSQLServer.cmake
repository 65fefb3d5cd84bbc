# Finds a Postgres server's headers and directories through pg_config. -DPG_CONFIG=/path/pg_config picks
# one major; each major gets its own build directory.
#
# Sets PostgreSQLServer_FOUND, PG_CONFIG, PG_VERSION_MAJOR, PG_INCLUDEDIR_SERVER, PG_PKGLIBDIR, PG_SHAREDIR,
# PG_BINDIR and the imported target PostgreSQL::Server (headers only: a module resolves the rest at load).
find_program(PG_CONFIG NAMES pg_config HINTS /usr/lib/postgresql/15/bin)
if(PG_CONFIG)
  foreach(pair "INCLUDEDIR_SERVER;--includedir-server" "INCLUDEDIR;--includedir" "PKGLIBDIR;--pkglibdir"
               "SHAREDIR;--sharedir" "BINDIR;--bindir" "VERSION_TEXT;--version")
    list(GET pair 0 name)
    list(GET pair 1 flag)
    execute_process(COMMAND "${PG_CONFIG}" ${flag} OUTPUT_VARIABLE PG_${name}
                    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  string(REGEX MATCH "[0-9]+" PG_VERSION_MAJOR "${PG_VERSION_TEXT}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PostgreSQLServer
  REQUIRED_VARS PG_CONFIG PG_INCLUDEDIR_SERVER PG_PKGLIBDIR PG_SHAREDIR
  VERSION_VAR PG_VERSION_MAJOR
  REASON_FAILURE_MESSAGE "install postgresql-server-dev-15 or pass -DPG_CONFIG=")

if(PostgreSQLServer_FOUND AND NOT TARGET PostgreSQL::Server)
  add_library(PostgreSQL::Server INTERFACE IMPORTED)
  set_target_properties(PostgreSQL::Server PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${PG_INCLUDEDIR_SERVER};${PG_INCLUDEDIR}")
  target_compile_definitions(PostgreSQL::Server INTERFACE _GNU_SOURCE)
endif()
