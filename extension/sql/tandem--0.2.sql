-- The extension's own SQL objects. The catalog tables are made by the daemon (plain SQL, so that they
-- need no extension on a managed server) and live in the same schema.
\echo Use "CREATE EXTENSION tandem" to load this file. \quit

CREATE FUNCTION tandem.explain_route(
    sql text,
    OUT routed boolean, OUT reason_code text, OUT reason text, OUT advice text, OUT remote_sql text)
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_explain_route';
COMMENT ON FUNCTION tandem.explain_route(text) IS
    'whether a query would run in ClickHouse, as what, and if not, why';

CREATE FUNCTION tandem.forget_plans(relid oid) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_forget_plans';
COMMENT ON FUNCTION tandem.forget_plans(oid) IS
    'makes every session plan its prepared statements over a table again; the daemon calls it when a table goes live';

CREATE FUNCTION tandem.route_counters(OUT reason_code text, OUT queries bigint) RETURNS SETOF record
LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'tandem_route_stats';

CREATE VIEW tandem.route_stats AS SELECT * FROM tandem.route_counters() ORDER BY queries DESC, reason_code;
COMMENT ON VIEW tandem.route_stats IS
    'what became of queries over mirrored tables since the server started: routed, or the reason why not';

CREATE FUNCTION tandem.version() RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'tandem_version';
COMMENT ON FUNCTION tandem.version() IS
    'version of the loaded library; another than extversion of pg_extension: restart Postgres, or ALTER EXTENSION tandem UPDATE';

GRANT USAGE ON SCHEMA tandem TO PUBLIC;
GRANT SELECT ON tandem.route_stats TO PUBLIC;
