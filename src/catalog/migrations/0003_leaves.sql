-- Partitions are followed leaf by leaf: rows know theirs, src/mirror/store/README.md.

-- A leaf that was emptied, went or came: at positions behind `cut` its rows from before are gone.
CREATE TABLE tandem.mirror_leaf (
    mirror_id      int NOT NULL,
    relid          oid NOT NULL,             -- the partitioned table
    copy           int NOT NULL,
    leaf           oid NOT NULL,
    cut            pg_lsn NOT NULL,
    loads          boolean NOT NULL,         -- its rows are being read; none is seen
    heap           text,                     -- as in tandem.heaps, when it began to load
    consistent_lsn pg_lsn,                   -- it loads: consistent from there on
    visible_from   pg_lsn,                   -- first position at which what is left of it is right
    PRIMARY KEY (mirror_id, relid, copy, leaf, cut),
    FOREIGN KEY (mirror_id, relid, copy) REFERENCES tandem.mirror_copy ON DELETE CASCADE
);

-- The load of the table sees what these transactions have done: pg_current_snapshot() when it began.
ALTER TABLE tandem.mirror_table ADD COLUMN loaded_as_of text;

-- It tells more now.
DROP FUNCTION IF EXISTS tandem.changed_tables();

-- Rows that lie in ClickHouse already do not know their leaf.
UPDATE tandem.mirror_table t SET state = 'pending', consistent_lsn = NULL, rows_loaded = 0,
    generation = generation + 1
    WHERE state IN ('loading', 'catching_up', 'live')
      AND (SELECT relkind FROM pg_class c WHERE c.oid = t.relid) = 'p';
