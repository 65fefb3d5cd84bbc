-- The extension's own SQL objects. The catalog tables are made by the daemon (plain SQL, so that they
-- need no extension on a managed server) and live in the same schema.
\echo Use "CREATE EXTENSION tandem" to load this file. \quit
