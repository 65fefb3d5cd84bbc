-- Keys of jsonb documents that a copy has as columns: src/mirror/store/README.md. Every row of the copy has them,
-- because they are as old as it is; a copy without a line here has none.
CREATE TABLE tandem.mirror_json_key (
    mirror_id   int NOT NULL,
    relid       oid NOT NULL,
    copy        int NOT NULL,
    attnum      int2 NOT NULL,            -- of the document
    key         text NOT NULL,
    text_column text NOT NULL,            -- in ClickHouse: what ->> gives
    kind_column text NOT NULL,            -- what that is of: src/types/postgres/json_keys.h
    few_values  boolean NOT NULL,         -- held with a dictionary
    PRIMARY KEY (mirror_id, relid, copy, attnum, key),
    FOREIGN KEY (mirror_id, relid, copy) REFERENCES tandem.mirror_copy ON DELETE CASCADE
);
