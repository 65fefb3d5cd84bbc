-- Composite types and enums may be altered without a word of the tables that have columns of them: what the type
-- was made of when ClickHouse took the column's values (tandem.type_shape). NULL: nothing of the kind.
ALTER TABLE tandem.mirror_column ADD COLUMN type_shape text[];
