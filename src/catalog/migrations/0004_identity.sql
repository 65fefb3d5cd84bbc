-- Whom a mirror mirrors, and who runs it: docs/decisions/0005.

-- Tells this catalog from every other that writes to the same ClickHouse; one row.
CREATE TABLE tandem.catalog_identity (catalog_id uuid NOT NULL DEFAULT gen_random_uuid());
INSERT INTO tandem.catalog_identity DEFAULT VALUES;

-- The source as the last session found it; NULL: none has looked yet. A physical copy of the cluster has its
-- system identifier, a copy of the database has another oid.
ALTER TABLE tandem.mirror ADD COLUMN source_system text;
ALTER TABLE tandem.mirror ADD COLUMN source_timeline int;
ALTER TABLE tandem.mirror ADD COLUMN source_database oid;

-- Counts the sessions. Whoever raises it owns the mirror; a connection that finds another number here than its
-- own writes nothing any more.
ALTER TABLE tandem.mirror ADD COLUMN owner bigint NOT NULL DEFAULT 0;
ALTER TABLE tandem.mirror ADD COLUMN owner_process text;
-- The last owner that ClickHouse knows of too, and the position it had when this was written: what says less is
-- the older one of the two.
ALTER TABLE tandem.mirror ADD COLUMN owner_known bigint NOT NULL DEFAULT 0;
ALTER TABLE tandem.mirror ADD COLUMN recorded pg_lsn;
-- Part of the names of the tables in ClickHouse: raised when a mirror is taken over from a daemon that may still
-- be running, so that this one knows no table any more. Above era: the tables are still to be renamed.
ALTER TABLE tandem.mirror ADD COLUMN era int NOT NULL DEFAULT 0;
ALTER TABLE tandem.mirror ADD COLUMN wanted_era int NOT NULL DEFAULT 0;

-- What was found wrong with source, slot or target, and mended by loading again, last.
ALTER TABLE tandem.mirror ADD COLUMN incident_code text;
ALTER TABLE tandem.mirror ADD COLUMN incident_message text;
ALTER TABLE tandem.mirror ADD COLUMN incident_at timestamptz;

-- Tables are joining the publication: transactions that wrote to them before are waited for, also by a daemon
-- that starts in between.
ALTER TABLE tandem.mirror ADD COLUMN publication_grows boolean NOT NULL DEFAULT false;
