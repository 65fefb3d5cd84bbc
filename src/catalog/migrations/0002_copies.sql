-- Rows are read at a position: each table has copies in ClickHouse, src/mirror/store/README.md.

-- How far the catalog's tables are; one row. A daemon refuses to run on a number it does not know.
ALTER TABLE tandem.catalog_version ADD COLUMN IF NOT EXISTS migration int NOT NULL DEFAULT 1;

-- Everything committed before it is in ClickHouse, also when the slot has forgotten it: the slot's own
-- position reaches the disk of the source late.
ALTER TABLE tandem.mirror ADD COLUMN position pg_lsn;

-- Where a table's rows lie. TRUNCATE and every new load start another copy; readers of an older
-- position go on in the one before, until that is dropped.
CREATE TABLE tandem.mirror_copy (
    mirror_id         int NOT NULL,
    relid             oid NOT NULL,
    copy              int NOT NULL,
    main              text NOT NULL,         -- tables in <database>_rows
    delta             text NOT NULL,
    visible_from      pg_lsn,                -- first position at which it shows the table; NULL: it loads
    oldest_generation int NOT NULL DEFAULT 1,  -- first generation of the delta that is not folded
    delta_empty       boolean NOT NULL DEFAULT true,
    folding           int,                   -- generation up to which a fold has begun
    last_fold         timestamptz,
    folds             bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (mirror_id, relid, copy),
    FOREIGN KEY (mirror_id, relid) REFERENCES tandem.mirror_table ON DELETE CASCADE
);

-- Number of the chunk, from 1: every row it brings carries it, so that a half-read chunk can be undone.
ALTER TABLE tandem.mirror_chunk ADD COLUMN chunk int NOT NULL DEFAULT 0;

-- What tells of DDL that rows do not: which heaps the table's rows lie in (tandem.heaps), as of what
-- ClickHouse has; and the highest attnum it had, so that a column that appears is known to be new.
ALTER TABLE tandem.mirror_table ADD COLUMN heaps text;
ALTER TABLE tandem.mirror_table ADD COLUMN natts int NOT NULL DEFAULT 0;

-- The layout of 0.1 is left behind: every table is loaded again.
DELETE FROM tandem.mirror_chunk;
UPDATE tandem.mirror_table SET state = 'pending', consistent_lsn = NULL, rows_loaded = 0,
    generation = generation + 1 WHERE state IN ('loading', 'catching_up', 'live');
ALTER TABLE tandem.mirror_table DROP COLUMN truncated_at;
