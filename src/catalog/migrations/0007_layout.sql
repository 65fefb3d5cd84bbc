-- How a table is laid out in ClickHouse, where the user says so: {"order_by": [attnum, ...], "partition_by":
-- {"attnum": 2, "function": "toYYYYMM"}, "codecs": {"3": "ZSTD(3)"}}. Columns are named by number, because they may be
-- renamed. A new copy of the table has it.
ALTER TABLE tandem.mirror_table ADD COLUMN layout jsonb NOT NULL DEFAULT '{}';
