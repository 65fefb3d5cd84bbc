-- Older positions can be read for a while: docs/decisions/0014.

-- Positions before folded_to are history: for them the delta counts from history_generation on (NULL: from
-- oldest_generation on), and main as well. Before readable_from the copy cannot be read any more.
ALTER TABLE tandem.mirror_copy ADD COLUMN folded_to pg_lsn;
ALTER TABLE tandem.mirror_copy ADD COLUMN history_generation int;
ALTER TABLE tandem.mirror_copy ADD COLUMN readable_from pg_lsn;
-- Whatever is kept: at older positions the table had other columns or partitions, or was loaded later.
ALTER TABLE tandem.mirror_table ADD COLUMN history_from pg_lsn;

-- Where the last commit ends that the mirror has seen of before that full second. Of seconds without one there is none.
-- Nothing that the mirror has confirmed is of later than its last row says; before the next one comes that may be
-- behind.
CREATE TABLE tandem.moment (
    mirror_id int NOT NULL REFERENCES tandem.mirror ON DELETE CASCADE,
    at        timestamptz NOT NULL,
    position  pg_lsn NOT NULL,
    PRIMARY KEY (mirror_id, at)
);

-- Before there was history a batch kept of a row what it was at its end, and folds did not say what they made unreadable.
UPDATE tandem.mirror_table t SET history_from = greatest(m.position, pg_current_wal_insert_lsn()) FROM tandem.mirror m
    WHERE m.mirror_id = t.mirror_id;
