// The catalog reader against a zoo of tables and types on a real Postgres.
#include <algorithm>

#include "integration/postgres/postgres_fixture.h"
#include "postgres/introspect/introspect.h"

namespace tandem::postgres {
namespace {

using types::PgTypeKind;

constexpr std::string_view kZoo = R"(
CREATE EXTENSION hstore;
CREATE SCHEMA "odd Schema";
CREATE TYPE mood AS ENUM ('sad', 'happy');
ALTER TYPE mood ADD VALUE 'ok' BEFORE 'happy';
CREATE DOMAIN cents AS numeric(10,2);
CREATE DOMAIN price AS cents CHECK (VALUE >= 0);
CREATE TYPE pair AS (n int, label varchar(7), m mood);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE COLLATION nodet (provider = icu, locale = 'und', deterministic = false);
CREATE TABLE zoo (
    id bigint GENERATED ALWAYS AS IDENTITY,
    gone int,
    name varchar(20) NOT NULL DEFAULT 'x',
    p price, m mood[], g int[][], c pair, s span, sm int4multirange, h hstore,
    twice bigint GENERATED ALWAYS AS (length(name) * 2) STORED,
    loose text COLLATE nodet,
    PRIMARY KEY (name, id));
ALTER TABLE zoo DROP COLUMN gone;
INSERT INTO zoo (name) VALUES ('old');
ALTER TABLE zoo ADD COLUMN late text DEFAULT 'later';
CREATE TABLE "odd Schema"."Weird ""Table" ("Col-1" int PRIMARY KEY);
CREATE TABLE by_full (a int, b int); ALTER TABLE by_full REPLICA IDENTITY FULL;
CREATE TABLE by_nothing (a int PRIMARY KEY); ALTER TABLE by_nothing REPLICA IDENTITY NOTHING;
CREATE TABLE by_index (a int PRIMARY KEY, b int NOT NULL, c int NOT NULL, d int);
CREATE UNIQUE INDEX by_index_cb ON by_index (c, b) INCLUDE (d);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_cb;
CREATE TABLE lazy_key (a int PRIMARY KEY DEFERRABLE);
CREATE TABLE no_key (a int);
CREATE TABLE parts (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu') PARTITION BY RANGE (id);
CREATE TABLE parts_eu_1 PARTITION OF parts_eu FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_us PARTITION OF parts FOR VALUES IN ('us');
CREATE TABLE animal (id int PRIMARY KEY); CREATE TABLE cat (claws int) INHERITS (animal);
CREATE UNLOGGED TABLE fleeting (a int PRIMARY KEY);
CREATE VIEW a_view AS SELECT 1;
)";

class PostgresCatalog : public PostgresTest {
  protected:
    void SetUp() override {
        PostgresTest::SetUp();
        run(kZoo);
    }
    std::vector<TableInfo> tables(const TableFilter& filter) {
        auto read = read_tables(*connection_, filter);
        EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().to_string());
        return read.ok() ? *std::move(read) : std::vector<TableInfo>();
    }
    TableInfo table(const std::string& name) {
        auto found = tables({.patterns = {name}});
        EXPECT_EQ(found.size(), 1u) << name;
        return found.empty() ? TableInfo() : found[0];
    }
    static std::vector<std::string> names(const std::vector<TableInfo>& tables) {
        std::vector<std::string> names;
        for (const TableInfo& table : tables) names.push_back(table.schema + "." + table.name);
        return names;
    }
};

using Names = std::vector<std::string>;
using Key = std::vector<int16_t>;

TEST_F(PostgresCatalog, finds_tables_by_pattern) {
    Names all = names(tables({}));
    EXPECT_EQ(std::count(all.begin(), all.end(), "public.zoo"), 1);
    EXPECT_EQ(std::count(all.begin(), all.end(), "public.parts"), 1);
    EXPECT_EQ(std::count(all.begin(), all.end(), "public.parts_us"), 0);
    EXPECT_EQ(std::count(all.begin(), all.end(), "public.a_view"), 0);
    EXPECT_EQ(all[0], "odd Schema.Weird \"Table");
    EXPECT_EQ(names(tables({.patterns = {"by_*"}})),
              (Names{"public.by_full", "public.by_index", "public.by_nothing"}));
    EXPECT_EQ(names(tables({.patterns = {"odd Schema.*"}})), (Names{all[0]}));
    EXPECT_EQ(names(tables({.patterns = {"public.parts*"}})), (Names{"public.parts"}));
    EXPECT_EQ(names(tables({.patterns = {"parts_us"}})), (Names{"public.parts_us"}));
    EXPECT_EQ(tables({.patterns = {"parts*"}, .partitions = true}).size(), 4u);
    EXPECT_EQ(names(tables({.oids = {table("zoo").oid}})), (Names{"public.zoo"}));
    EXPECT_TRUE(tables({.patterns = {"zo_"}}).empty());
}

TEST_F(PostgresCatalog, reads_columns) {
    TableInfo zoo = table("zoo");
    ASSERT_EQ(zoo.columns.size(), 12u);
    EXPECT_EQ(zoo.columns[0].identity, 'a');
    EXPECT_EQ(zoo.column("gone"), nullptr);
    const ColumnInfo& name = *zoo.column("name");
    EXPECT_EQ(name.attnum, 3);
    EXPECT_EQ(name.typmod, 24);
    EXPECT_TRUE(name.not_null);
    EXPECT_EQ(name.default_expression, "'x'::character varying");
    EXPECT_EQ(name.collation, "default");
    EXPECT_EQ(zoo.column("g")->ndims, 2);
    EXPECT_EQ(zoo.column("twice")->generated, 's');
    EXPECT_EQ(zoo.column("late")->missing_value, "later");
    EXPECT_EQ(zoo.column("name")->missing_value, std::nullopt);
    EXPECT_FALSE(zoo.column("loose")->collation_deterministic);
    EXPECT_EQ(zoo.column("id")->collation, "");
    EXPECT_GT(zoo.bytes, 0);
    EXPECT_EQ(table("fleeting").persistence, 'u');
}

TEST_F(PostgresCatalog, reads_what_identifies_a_row) {
    TableInfo zoo = table("zoo");
    EXPECT_EQ(zoo.primary_key, (Key{3, 1}));
    EXPECT_EQ(zoo.identity_key, (Key{3, 1}));
    EXPECT_EQ(table("by_full").identity_key, (Key{1, 2}));
    EXPECT_EQ(table("by_nothing").identity_key, Key{});
    EXPECT_EQ(table("by_nothing").primary_key, Key{1});
    TableInfo by_index = table("by_index");
    EXPECT_EQ(by_index.replica_identity, ReplicaIdentity::index);
    EXPECT_EQ(by_index.identity_key, (Key{3, 2}));
    EXPECT_EQ(by_index.primary_key, Key{1});
    EXPECT_EQ(table("lazy_key").primary_key, Key{1});
    EXPECT_FALSE(table("lazy_key").has_key());
    EXPECT_FALSE(table("no_key").has_key());
}

TEST_F(PostgresCatalog, follows_partitions_and_inheritance) {
    TableInfo parts = table("parts");
    EXPECT_EQ(parts.kind, 'p');
    EXPECT_EQ(parts.children.size(), 2u);
    TableInfo leaf = table("parts_eu_1");
    TableInfo us = table("parts_us");
    EXPECT_TRUE(leaf.is_partition);
    EXPECT_EQ(leaf.parents, std::vector<Oid>{table("parts_eu").oid});
    std::vector<Oid> leaves = {leaf.oid, us.oid};
    std::sort(leaves.begin(), leaves.end());
    EXPECT_EQ(parts.leaves, leaves);
    EXPECT_EQ(us.leaves, std::vector<Oid>{us.oid});
    EXPECT_EQ(table("animal").leaves.size(), 2u);
    EXPECT_EQ(table("animal").children, std::vector<Oid>{table("cat").oid});
}

TEST_F(PostgresCatalog, reads_types_and_all_they_are_made_of) {
    TableInfo zoo = table("zoo");
    auto read = read_types(*connection_, std::span<const TableInfo>(&zoo, 1));
    ASSERT_TRUE(read.ok()) << read.error().to_string();
    const TypeMap& types = *read;
    auto type_of = [&](std::string_view column) { return types.at(zoo.column(column)->type); };

    auto price = resolve_domain(types, zoo.column("p")->type, -1);
    ASSERT_TRUE(price.ok());
    EXPECT_EQ(price->type->name, "numeric");
    EXPECT_EQ(price->typmod, ((10 << 16) | 2) + 4);
    EXPECT_EQ(type_of("p").kind, PgTypeKind::kDomain);

    EXPECT_EQ(type_of("m").kind, PgTypeKind::kArray);
    const TypeInfo& mood = types.at(type_of("m").element);
    EXPECT_EQ(mood.kind, PgTypeKind::kEnumeration);
    EXPECT_EQ(mood.enum_labels, (std::vector<std::string>{"sad", "ok", "happy"}));

    TypeInfo pair = type_of("c");
    EXPECT_EQ(pair.kind, PgTypeKind::kComposite);
    ASSERT_EQ(pair.fields.size(), 3u);
    EXPECT_EQ(pair.fields[1].name, "label");
    EXPECT_EQ(pair.fields[1].typmod, 11);
    EXPECT_EQ(pair.fields[2].type, mood.oid);

    EXPECT_EQ(type_of("s").kind, PgTypeKind::kRange);
    EXPECT_EQ(types.at(type_of("s").subtype).name, "float8");
    EXPECT_EQ(type_of("sm").kind, PgTypeKind::kMultirange);
    EXPECT_EQ(types.at(type_of("sm").subtype).name, "int4range");
    EXPECT_EQ(type_of("h").extension, "hstore");
    EXPECT_EQ(type_of("name").extension, "");
    EXPECT_TRUE(type_of("name").has_send);
    const Oid vector[] = {Oid{22}, Oid{600}, Oid{1005}};  // int2vector, point, int2[]
    auto builtin = read_types(*connection_, std::span<const Oid>(vector));
    ASSERT_TRUE(builtin.ok());
    EXPECT_EQ(builtin->at(vector[0]).kind, PgTypeKind::kBase);
    EXPECT_EQ(builtin->at(vector[1]).kind, PgTypeKind::kBase);
    EXPECT_EQ(builtin->at(vector[2]).kind, PgTypeKind::kArray);
    EXPECT_EQ(resolve_domain(types, Oid{1}, -1).error().code(), ErrorCode::kNotFound);
}

TEST_F(PostgresCatalog, reads_publications) {
    run("CREATE PUBLICATION selected FOR TABLE zoo (id, name) WHERE (id > 10), by_full, parts"
        " WITH (publish_via_partition_root, publish = 'insert, update')");
    auto selected = read_publication(*connection_, "selected");
    ASSERT_TRUE(selected.ok()) << selected.error().to_string();
    ASSERT_TRUE(selected->has_value());
    const PublicationInfo& publication = **selected;
    EXPECT_TRUE(publication.via_root);
    EXPECT_TRUE(publication.inserts);
    EXPECT_FALSE(publication.truncates);
    ASSERT_EQ(publication.tables.size(), 3u);
    EXPECT_EQ(publication.tables[0].columns, (Key{1, 3}));
    EXPECT_EQ(publication.tables[0].row_filter, "(id > 10)");
    EXPECT_TRUE(publication.tables[1].columns.empty());
    EXPECT_EQ(publication.tables[2].table, table("parts").oid);
    EXPECT_FALSE(read_publication(*connection_, "none")->has_value());
    run("CREATE PUBLICATION everything FOR ALL TABLES");
    EXPECT_TRUE((*read_publication(*connection_, "everything"))->all_tables);
}

TEST_F(PostgresCatalog, reads_facts_about_the_server) {
    auto read = read_server_facts(*connection_);
    ASSERT_TRUE(read.ok()) << read.error().to_string();
    EXPECT_EQ(std::to_string(read->version), ask("SHOW server_version_num"));
    EXPECT_EQ(std::to_string(read->system_id),
              ask("SELECT system_identifier FROM pg_control_system()"));
    EXPECT_EQ(read->wal_level, "logical");
    EXPECT_EQ(read->encoding, "UTF8");
    EXPECT_GT(read->max_replication_slots, 0);
    EXPECT_EQ(read->used_replication_slots, 0);
    EXPECT_EQ(read->max_slot_wal_keep_mb, -1);
    EXPECT_EQ(read->wal_sender_timeout_ms, 60'000);
    EXPECT_TRUE(read->superuser && read->replication && read->can_create);
    EXPECT_FALSE(read->in_recovery);
    EXPECT_TRUE(read->wal_position.valid());

    run("CREATE ROLE guest LOGIN PASSWORD 'guest'");
    auto guest = Connection::open({.conninfo = "host=127.0.0.1 user=guest password=guest"
                                               " dbname=postgres port=" +
                                               std::to_string(server_->port())});
    ASSERT_TRUE(guest.ok()) << guest.error().to_string();
    auto facts = read_server_facts(*guest);
    ASSERT_TRUE(facts.ok()) << facts.error().to_string();
    EXPECT_FALSE(facts->superuser || facts->replication || facts->can_create);
    EXPECT_EQ(facts->role, "guest");
    // A role without rights reads the catalog all the same.
    auto tables_of_guest = read_tables(*guest, {.patterns = {"zoo"}});
    ASSERT_TRUE(tables_of_guest.ok()) << tables_of_guest.error().to_string();
    EXPECT_EQ(tables_of_guest->size(), 1u);
}

}  // namespace
}  // namespace tandem::postgres
