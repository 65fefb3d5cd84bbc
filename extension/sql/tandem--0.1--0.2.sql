-- What 0.2 has beyond 0.1. Ends with the same objects as tandem--0.2.sql; a test compares them.
\echo Use "ALTER EXTENSION tandem UPDATE TO '0.2'" to load this file. \quit

CREATE FUNCTION tandem.version() RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tandem_version';
COMMENT ON FUNCTION tandem.version() IS
    'version of the loaded library; another than extversion of pg_extension: restart Postgres, or ALTER EXTENSION tandem UPDATE';

-- What route_stats was is route_reasons now.
DROP VIEW tandem.route_stats;

CREATE VIEW tandem.route_reasons AS SELECT * FROM tandem.route_counters() ORDER BY queries DESC, reason_code;
COMMENT ON VIEW tandem.route_reasons IS
    'what became of queries over mirrored tables since the server started: routed, or the reason why not';

CREATE FUNCTION tandem.route_queries(
    OUT userid oid, OUT dbid oid, OUT queryid bigint, OUT routed bigint, OUT local bigint, OUT refused jsonb,
    OUT last_reason text, OUT clickhouse_ms float8, OUT postgres_ms float8, OUT rows_returned bigint,
    OUT rows_read bigint, OUT side text, OUT clickhouse_mean_ms float8, OUT postgres_mean_ms float8,
    OUT first_seen timestamptz, OUT last_seen timestamptz) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_route_queries';

CREATE VIEW tandem.route_stats AS
SELECT pg_get_userbyid(q.userid) AS username, d.datname AS database, q.queryid, q.routed, q.local, q.refused,
    q.last_reason, q.clickhouse_ms, q.postgres_ms, q.rows_returned, q.rows_read,
    greatest(q.rows_read - q.rows_returned, 0) AS rows_kept_off_the_wire, q.side, q.clickhouse_mean_ms,
    q.postgres_mean_ms, q.first_seen, q.last_seen
FROM tandem.route_queries() q LEFT JOIN pg_database d ON d.oid = q.dbid;
COMMENT ON VIEW tandem.route_stats IS
    'each query over mirrored tables: where it ran, why not in ClickHouse, how long, and what was learnt of it; one''s own, or all for members of pg_read_all_stats';

CREATE FUNCTION tandem.route_stats_reset() RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_route_stats_reset';
COMMENT ON FUNCTION tandem.route_stats_reset() IS
    'forgets what was counted in route_stats and route_reasons, and what was learnt of queries and servers';
REVOKE ALL ON FUNCTION tandem.route_stats_reset() FROM PUBLIC;

GRANT SELECT ON tandem.route_reasons, tandem.route_stats TO PUBLIC;

CREATE FUNCTION tandem.telemetry_counters(
    OUT state text, OUT advice text, OUT captured bigint, OUT exported bigint, OUT queued bigint, OUT dropped bigint,
    OUT dropped_ring_full bigint, OUT dropped_rejected bigint, OUT dropped_no_memory bigint, OUT dropped_worker_ended bigint,
    OUT queued_in_rings bigint, OUT queued_in_worker bigint, OUT batches bigint, OUT failures bigint, OUT worker_starts bigint, OUT worker_pid int,
    OUT last_success timestamptz, OUT last_failure timestamptz, OUT last_error text, OUT ring_bytes bigint) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_telemetry_counters';

CREATE VIEW tandem.telemetry_stats AS SELECT * FROM tandem.telemetry_counters();
COMMENT ON VIEW tandem.telemetry_stats IS
    'events of telemetry since the server started; captured = exported + queued + dropped';

CREATE FUNCTION tandem.telemetry_queries(
    since interval, OUT database text, OUT queryid bigint, OUT operation text, OUT calls bigint, OUT errors bigint,
    OUT total_ms float8, OUT mean_ms float8, OUT p50_ms float8, OUT p99_ms float8, OUT max_ms float8,
    OUT planning_ms float8, OUT rows bigint, OUT blocks_read bigint, OUT io_ms float8, OUT wal_bytes bigint,
    OUT routed bigint, OUT query text) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_telemetry_queries';
COMMENT ON FUNCTION tandem.telemetry_queries(interval) IS
    'the thousand queries of this server that took most time in the last interval, from ClickHouse';
REVOKE ALL ON FUNCTION tandem.telemetry_queries(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tandem.telemetry_queries(interval) TO pg_read_all_stats;

CREATE FUNCTION tandem.telemetry_errors(
    since interval, OUT at timestamptz, OUT database text, OUT username text, OUT application text, OUT pid bigint,
    OUT sqlstate text, OUT message text, OUT detail text, OUT context text, OUT duration_ms float8, OUT queryid bigint,
    OUT query text) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_telemetry_errors';
COMMENT ON FUNCTION tandem.telemetry_errors(interval) IS
    'the last thousand errors of this server in the last interval, newest first, from ClickHouse';
REVOKE ALL ON FUNCTION tandem.telemetry_errors(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tandem.telemetry_errors(interval) TO pg_read_all_stats;

CREATE FUNCTION tandem.telemetry_blocking(
    since interval, OUT at timestamptz, OUT database text, OUT pid bigint, OUT username text, OUT application text,
    OUT lock text, OUT ms bigint, OUT queryid bigint, OUT query text, OUT blocker_pid bigint, OUT blocker_username text,
    OUT blocker_application text, OUT blocker_state text, OUT blocker_queryid bigint, OUT blocker_query text)
    RETURNS SETOF record
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_telemetry_blocking';
COMMENT ON FUNCTION tandem.telemetry_blocking(interval) IS
    'who waited for whom in the last interval, newest first, as the worker saw it; from ClickHouse';
REVOKE ALL ON FUNCTION tandem.telemetry_blocking(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tandem.telemetry_blocking(interval) TO pg_read_all_stats;

CREATE VIEW tandem.top_queries AS SELECT * FROM tandem.telemetry_queries('1 hour') ORDER BY total_ms DESC;
COMMENT ON VIEW tandem.top_queries IS 'the queries of this server that took most time in the last hour, from ClickHouse';

GRANT SELECT ON tandem.telemetry_stats TO PUBLIC;
GRANT SELECT ON tandem.top_queries TO pg_read_all_stats;

CREATE FUNCTION tandem.fdw_handler() RETURNS fdw_handler
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'tandem_fdw_handler';

CREATE FUNCTION tandem.fdw_validator(options text[], catalog oid) RETURNS void
LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'tandem_fdw_validator';

CREATE FOREIGN DATA WRAPPER tandem_fdw HANDLER tandem.fdw_handler VALIDATOR tandem.fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER tandem_fdw IS 'tables of ClickHouse that no mirror made';

CREATE FUNCTION tandem.query(server name, sql text) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_query';
COMMENT ON FUNCTION tandem.query(name, text) IS
    'the rows of a ClickHouse query of a foreign server; columns are found by their names';
REVOKE ALL ON FUNCTION tandem.query(name, text) FROM PUBLIC;

CREATE FUNCTION tandem.execute(server name, sql text) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_execute';
COMMENT ON FUNCTION tandem.execute(name, text) IS
    'runs a ClickHouse statement on a foreign server; it is not part of the transaction';
REVOKE ALL ON FUNCTION tandem.execute(name, text) FROM PUBLIC;
