-- VACUUM FULL and the like are told from rewrites of values: src/catalog/functions/ddl.sql.

-- A live table lay in these heaps as of the snapshot, and ClickHouse had their rows. What a column's
-- definition did not change since then has moved rows, and not changed them.
CREATE TABLE tandem.settled_heaps (
    mirror_id  int NOT NULL,
    relid      oid NOT NULL,
    generation int NOT NULL,          -- of tandem.mirror_table
    heaps      text NOT NULL,
    as_of      pg_snapshot NOT NULL,
    PRIMARY KEY (mirror_id, relid),
    FOREIGN KEY (mirror_id, relid) REFERENCES tandem.mirror_table ON DELETE CASCADE
);
