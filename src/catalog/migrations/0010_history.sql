-- Older positions can be read for a while: docs/decisions/0014.

-- Positions before folded_to are history: for them the delta counts from history_generation on (NULL: from
-- oldest_generation on), and main as well. Before readable_from the copy cannot be read any more.
ALTER TABLE tandem.mirror_copy ADD COLUMN folded_to pg_lsn;
ALTER TABLE tandem.mirror_copy ADD COLUMN history_generation int;
ALTER TABLE tandem.mirror_copy ADD COLUMN readable_from pg_lsn;
-- Whatever is kept: at older positions the table had other columns or partitions, or was loaded later.
ALTER TABLE tandem.mirror_table ADD COLUMN history_from pg_lsn;

-- What had been committed by then ends there: samples, by which a time becomes a position.
CREATE TABLE tandem.moment (at timestamptz PRIMARY KEY, position pg_lsn NOT NULL);

-- Folds of before did not say what they made unreadable; but each has recorded a position behind it.
UPDATE tandem.mirror_table t SET history_from = m.position FROM tandem.mirror m
    WHERE m.mirror_id = t.mirror_id AND m.position IS NOT NULL;
