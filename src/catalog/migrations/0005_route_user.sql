-- A user of ClickHouse that may only read: whom the router logs in as. NULL: as the mirror does.
ALTER TABLE tandem.target ADD COLUMN route_username text;
ALTER TABLE tandem.target ADD COLUMN route_password text;
