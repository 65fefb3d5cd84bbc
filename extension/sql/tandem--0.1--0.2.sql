-- What 0.2 has beyond 0.1. Ends with the same objects as tandem--0.2.sql; a test compares them.
\echo Use "ALTER EXTENSION tandem UPDATE TO '0.2'" to load this file. \quit

CREATE FUNCTION tandem.version() RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tandem_version';
COMMENT ON FUNCTION tandem.version() IS
    'version of the loaded library; another than extversion of pg_extension: restart Postgres, or ALTER EXTENSION tandem UPDATE';
