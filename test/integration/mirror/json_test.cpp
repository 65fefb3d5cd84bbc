// Keys of jsonb documents as columns: whatever way a document has come and wherever it lies, its
// key columns are what Postgres' own ->>, jsonb_typeof and ? say of it.
#include <random>

#include "integration/mirror/mirror_fixture.h"
#include "sqltext/quote.h"

namespace tandem::test {
namespace {

using sqltext::ch_string;
using sqltext::pg_literal;
using std::chrono::milliseconds;

class json : public MirrorFixture {
  protected:
    void create(const std::string& options, const std::string& tables = "'t'") {
        sql("SELECT tandem.create_mirror('m', ARRAY[" + tables + "], " + pg_literal(options) + ")");
        live();
    }
    void live() {
        ASSERT_EQ(value("SELECT tandem.wait_until_live('m', '60s')"), "t")
            << value("SELECT string_agg(t::text, ' ') FROM tandem.mirror_tables t");
    }
    void fold_soon() {
        stop_daemon();
        limits_.folding.grace = milliseconds(200);
        limits_.folding.generation_age = milliseconds(50);
        start_daemon();
    }
    std::string keys() {
        return value(
            "SELECT string_agg(column_name || '.' || key || CASE WHEN few_values THEN '!' ELSE '' "
            "END, ' ' ORDER "
            "BY column_name, key) FROM tandem.json_keys");
    }
    // id, kind and text of every row, as Postgres has it; the numbers are those of JsonKind.
    std::string of_postgres(const std::string& column, const std::string& key) {
        std::string k = pg_literal(key);
        return value("SELECT string_agg(id || ':' || CASE WHEN " + column +
                     " IS NULL THEN 8 WHEN jsonb_typeof(" + column +
                     ") <> 'object' THEN CASE WHEN " + column + " ? " + k +
                     " THEN 7 ELSE 0 END ELSE coalesce(array_position(ARRAY['null', 'string', "
                     "'number', 'boolean', "
                     "'object', 'array'], jsonb_typeof(" +
                     column + " -> " + k + ")), 0) END || ':' || coalesce(encode(convert_to(" +
                     column + " ->> " + k + ", 'UTF8'), 'hex'), '-'), ' ' ORDER BY id) FROM t");
    }
    std::string of_clickhouse(const std::string& text, const std::string& kind) {
        std::string main =
            "tandem_rows.`" +
            value(
                "SELECT main FROM tandem.mirror_copy WHERE relid = 't'::regclass AND "
                "visible_from IS NOT NULL ORDER BY copy DESC LIMIT 1") +
            "`";
        std::string delta =
            "tandem_rows.`" +
            value(
                "SELECT delta FROM tandem.mirror_copy WHERE relid = 't'::regclass AND "
                "visible_from IS NOT NULL ORDER BY copy DESC LIMIT 1") +
            "`";
        std::string list = "id, " + sqltext::ch_ident(text) + " AS x, " + sqltext::ch_ident(kind) +
                           " AS y, _tandem_from";
        std::string found = ch_value(
            "SELECT arrayStringConcat(groupArray(one), ' ') FROM (SELECT concat(toString(id), ':', "
            "toString(y), ':', "
            "ifNull(lower(hex(x)), '-')) AS one FROM (SELECT * FROM (SELECT " +
            list + ", 0 AS o, 0 AS d FROM " + main + " UNION ALL SELECT " + list +
            ", _tandem_ordinal AS o, _tandem_deleted AS d FROM " + delta +
            ") ORDER BY id, _tandem_from DESC, o DESC LIMIT 1 BY id) WHERE d = 0 ORDER BY id)");
        return found.size() < 4 ? "" : found.substr(2, found.size() - 4);  // ('...')
    }
    void expect_keys(const std::string& column, const std::vector<std::string>& keys) {
        wait("m");
        for (const std::string& key : keys) {
            auto names = source().query(
                "SELECT text_column, kind_column FROM tandem.mirror_json_key j WHERE copy = "
                "(SELECT max(copy) FROM tandem.mirror_copy WHERE relid = 't'::regclass AND "
                "visible_from IS NOT NULL) AND relid = 't'::regclass AND key = " +
                pg_literal(key) +
                " AND attnum = (SELECT attnum FROM pg_attribute WHERE attrelid = 't'::regclass "
                "AND attname = " +
                pg_literal(column) + ")");
            ASSERT_TRUE(names.ok());
            ASSERT_EQ(names->rows(), 1) << key;
            EXPECT_EQ(of_clickhouse(names->text(0, 0), names->text(0, 1)), of_postgres(column, key))
                << key;
        }
    }
};

// Documents with all that a jsonb can hold.
class Documents {
  public:
    explicit Documents(uint64_t seed) : random_(seed) {}

    static const std::vector<std::string>& keys() {
        static const std::vector<std::string> all = {
            "a",         "",  "b\"q", "back\\slash", "ключ",     "nul", "x.y", "tab\t",
            "two words", "A", "1",    "[0]",         "emoji 😀", ": ",  ", ",  "}"};
        return all;
    }
    std::string next() {
        int kind = pick(20);
        if (kind == 0) return value(2);
        std::string text = "{";
        for (int i = pick(9); i > 0; --i) {
            if (text.size() > 1) text += ",";
            text += string(keys()[static_cast<size_t>(pick(static_cast<int>(keys().size())))]) +
                    ":" + value(0);
        }
        return text + "}";
    }

  private:
    int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
    std::string any(const std::vector<std::string>& of) {
        return of[static_cast<size_t>(pick(static_cast<int>(of.size())))];
    }
    // Escaped in one of several ways.
    std::string string(const std::string& plain) {
        std::string text = "\"";
        for (char c : plain) {
            auto byte = static_cast<unsigned char>(c);
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04X", byte);
            if (byte < 0x20 || (byte < 0x80 && pick(6) == 0))
                text += code;
            else if (c == '"' || c == '\\')
                text += std::string("\\") + c;
            else
                text += c;
        }
        return text + "\"";
    }
    std::string value(int depth) {
        switch (pick(depth > 3 ? 8 : 11)) {
            case 0:
                return "null";
            case 1:
                return any({"true", "false"});
            case 2:
                return any({"0", "-0", "1", "1.0", "1.50", "-12.3e2", "1e30", "1E-7",
                            "123456789012345678901234567890", "0.1000000000000000000000001",
                            "9223372036854775808", "-9223372036854775809"});
            case 3:
                return any({"\"\\ud83d\\ude00\"", "\"\\u00e9\\/\"", "\"\\b\\f\\n\\r\\t\"",
                            "\"\\u001f\\u007f\""});
            case 8:
            case 9: {
                std::string text = "[";
                for (int i = pick(4); i > 0; --i)
                    text += (text.size() > 1 ? "," : "") + value(depth + 1);
                return text + "]";
            }
            case 10: {
                std::string text = "{";
                for (int i = pick(4); i > 0; --i)
                    text += (text.size() > 1 ? "," : "") + string(any(keys())) + " : " +
                            value(depth + 1);
                return text + "}";
            }
            default:
                return string(any(keys()));
        }
    }

    std::mt19937_64 random_;
};

std::string names_json(const std::vector<std::string>& keys) {
    std::string list;
    for (const std::string& key : keys) {
        list += list.empty() ? "\"" : ", \"";
        for (char c : key) {
            if (c == '"' || c == '\\') list += '\\';
            c == '\t' ? list += "\\t" : list += c;
        }
        list += '"';
    }
    return "[" + list + "]";
}

TEST_F(json, keys_are_what_postgres_says_of_random_documents) {
    const char* seed = std::getenv("TANDEM_SEED");
    Documents documents(seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10));
    sql("CREATE TABLE t (id int PRIMARY KEY, doc jsonb)");
    auto insert = [&](int first, int count) {
        std::string values;
        for (int i = first; i < first + count; ++i)
            values += (values.empty() ? "(" : ", (") + std::to_string(i) + ", " +
                      (i % 50 == 0 ? "NULL" : pg_literal(documents.next())) + ")";
        sql("INSERT INTO t VALUES " + values);
    };
    insert(0, 1500);
    create(R"({"json_keys": {"t": {"doc": )" + names_json(Documents::keys()) + "}}}");
    insert(1500, 1000);
    sql("UPDATE t SET doc = '[\"a\", \"nul\"]' WHERE id % 97 = 0; UPDATE t SET doc = '\"x.y\"' "
        "WHERE id % 89 = 0");
    expect_keys("doc", Documents::keys());
    expect_equal("m");
}

TEST_F(json, keys_stay_with_their_documents) {
    fold_soon();
    sql("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, doc jsonb NOT NULL, other jsonb); "
        "ALTER TABLE t ALTER doc "
        "SET STORAGE EXTERNAL");
    auto doc = [](const std::string& n) {
        return "jsonb_build_object('k', 'v' || " + n + ", 'n', " + n + ", 'big', repeat(md5((" + n +
               ")::text), 100))";
    };
    sql("INSERT INTO t SELECT i, i, " + doc("i") + ", '{\"o\": 1}' FROM generate_series(1, 60) i");
    create(R"({"json_keys": {"t": {"doc": ["k", "n"], "other": ["o"]}}})");
    auto check = [&] {
        expect_keys("doc", {"k", "n"});
        expect_equal("m");
    };
    check();
    // Documents that an update leaves alone do not come with it.
    sql("UPDATE t SET n = -n WHERE id < 20; UPDATE t SET id = id + 1000 WHERE id BETWEEN 10 AND "
        "30");
    sql("INSERT INTO t SELECT i, i, " + doc("i * 3") + " FROM generate_series(100, 130) i");
    sql("UPDATE t SET doc = " + doc("n + 1") + " WHERE id % 5 = 0; DELETE FROM t WHERE id % 7 = 0");
    check();
    EXPECT_TRUE(eventually("SELECT delta_empty FROM tandem.mirror_tables", "t"));
    check();
    sql("ALTER TABLE t RENAME COLUMN doc TO papers; UPDATE t SET n = 5 WHERE id % 3 = 0");
    sql("UPDATE t SET papers = '{\"k\": null}' WHERE id % 11 = 0");
    wait("m");
    expect_keys("papers", {"k", "n"});
    EXPECT_EQ(keys(), "other.o! papers.k papers.n");
    // A dropped document's keys go; those of others stay.
    sql("ALTER TABLE t DROP COLUMN papers; UPDATE t SET n = 6, other = '{\"o\": \"x\"}' WHERE id % "
        "2 = 0");
    wait("m");
    EXPECT_TRUE(eventually(
        "SELECT string_agg(column_name || '.' || key, ' ') FROM tandem.json_keys", "other.o"));
    EXPECT_EQ(ch_value("SELECT count() FROM system.columns WHERE database = 'tandem_rows' AND name "
                       "LIKE '%k%' AND "
                       "name LIKE '_tandem_k%'"),
              "(4)");
    expect_keys("other", {"o"});
    expect_equal("m");
    restart_daemon();
    sql("INSERT INTO t VALUES (5000, 1, '{\"o\": 2.50}')");
    expect_keys("other", {"o"});
    sql("TRUNCATE t; INSERT INTO t VALUES (1, 1, '{\"o\": true}')");
    expect_keys("other", {"o"});
    sql("SELECT tandem.resync_mirror('m')");
    live();
    expect_keys("other", {"o"});
    EXPECT_EQ(ch_value("SELECT groupUniqArray(name) FROM system.columns WHERE database = 'tandem' "
                       "AND name LIKE '%tandem%' AND table = 't'"),
              "([])");
}

TEST_F(json, keys_that_most_documents_have_are_found) {
    sql("CREATE TABLE t (id int PRIMARY KEY, doc jsonb, small jsonb); CREATE TABLE tiny (id int "
        "PRIMARY KEY, doc jsonb)");
    sql("INSERT INTO tiny SELECT i, '{\"a\": 1}' FROM generate_series(1, 20) i");
    sql("INSERT INTO t SELECT i, jsonb_build_object('kind', i % 3, 'serial', i, 'nested', "
        "jsonb_build_object('a', 1), "
        "'long', repeat('x', 200)) || CASE WHEN i % 4 = 0 THEN '{\"rare\": 1}' ELSE '{\"often\": "
        "true}' END::jsonb, "
        "'{\"s\": null}' FROM generate_series(1, 3000) i");
    create("{}", "'t', 'tiny'");
    EXPECT_EQ(keys(), "doc.kind! doc.often! doc.serial small.s!");
    expect_keys("doc", {"kind", "often", "serial"});
    expect_keys("small", {"s"});
    EXPECT_EQ(ch_value("SELECT name, type FROM system.columns WHERE database = 'tandem_rows' AND "
                       "table = 't' AND name "
                       "LIKE '\\\\_tandem\\\\_k%\\\\_2\\\\_%' ORDER BY name"),
              "('_tandem_key_2_kind','LowCardinality(Nullable(String))') "
              "('_tandem_key_2_often','LowCardinality(Nullable(String))') "
              "('_tandem_key_2_serial','Nullable(String)') ('_tandem_kind_2_kind','UInt8') "
              "('_tandem_kind_2_often','UInt8') ('_tandem_kind_2_serial','UInt8')");
    sql(R"(SELECT tandem.alter_mirror('m', '{"json_keys": {"t": {"doc": ["rare"]}}}'))");
    live();
    EXPECT_EQ(keys(), "doc.rare! small.s!");
    EXPECT_EQ(value("SELECT layout FROM tandem.mirror_tables WHERE table_name = 't'"),
              "doc KEYS (rare)");
    expect_keys("doc", {"rare"});
    sql(R"(SELECT tandem.alter_mirror('m', '{"json_keys": {"t": false}}'))");
    live();
    EXPECT_EQ(keys(), "");
    sql(R"(SELECT tandem.alter_mirror('m', '{"json_keys": {"t": null}}'))");
    live();
    EXPECT_EQ(keys(), "doc.kind! doc.often! doc.serial small.s!");
    expect_equal("m");
}

TEST_F(json, keys_of_rows_without_a_key_and_of_partitions) {
    fold_soon();
    sql("CREATE TABLE t (id int, doc jsonb); ALTER TABLE t REPLICA IDENTITY FULL");
    sql("INSERT INTO t SELECT i, jsonb_build_object('a', i) FROM generate_series(1, 200) i");
    sql("CREATE TABLE p (id int PRIMARY KEY, doc jsonb) PARTITION BY RANGE (id); CREATE TABLE p0 "
        "PARTITION OF p FOR VALUES "
        "FROM (0) TO (100); INSERT INTO p SELECT i, '{\"a\": \"x\"}' FROM generate_series(1, 50) "
        "i");
    create(R"({"json_keys": {"t": {"doc": ["a"]}, "p": {"doc": ["a"]}}})", "'t', 'p'");
    sql("UPDATE t SET doc = '{\"a\": null}' WHERE id % 3 = 0; DELETE FROM t WHERE id % 5 = 0; "
        "INSERT INTO t VALUES "
        "(7, '{\"a\": 7}')");
    sql("CREATE TABLE p1 (LIKE p INCLUDING ALL); INSERT INTO p1 VALUES (150, '{\"a\": [1]}'); "
        "ALTER TABLE p ATTACH "
        "PARTITION p1 FOR VALUES FROM (100) TO (200); UPDATE p SET doc = '{}' WHERE id < 9");
    expect_equal("m");
    EXPECT_TRUE(eventually("SELECT bool_and(delta_empty) FROM tandem.mirror_tables", "t"));
    expect_equal("m");
    EXPECT_EQ(ch_value("SELECT countIf(JSONExtractRaw(ifNull(doc, ''), 'a') != if(_tandem_kind_2_a "
                       "= 1, 'null', "
                       "ifNull(_tandem_key_2_a, ''))), count() FROM tandem_rows.t"),
              "(0,161)");
    EXPECT_EQ(ch_value("SELECT id, _tandem_kind_2_a, _tandem_key_2_a FROM tandem_rows.p WHERE id "
                       "IN (1, 20, 150) ORDER "
                       "BY id"),
              "(1,0,NULL) (20,2,'x') (150,6,'[1]')");
}

TEST_F(json, keys_are_refused_with_what_is_wrong) {
    sql("CREATE TABLE t (id int PRIMARY KEY, doc jsonb, body text)");
    auto refused = [&](const std::string& keys, const std::string& sqlstate,
                       const std::string& why) {
        auto done = source().execute("SELECT tandem.create_mirror('m', ARRAY['t'], " +
                                     pg_literal("{\"json_keys\": {\"t\": " + keys + "}}") + ")");
        ASSERT_FALSE(done.ok()) << keys;
        EXPECT_EQ(done.error().sqlstate(), sqlstate) << done.error().to_string();
        EXPECT_THAT(done.error().to_string(), ::testing::HasSubstr(why));
    };
    refused(R"({"body": ["a"]})", "42804", "is no jsonb");
    refused(R"({"nope": ["a"]})", "42703", "no column");
    refused(R"({"doc": "a"})", "22023", "a list of texts");
    refused(R"({"doc": [1]})", "22023", "a list of texts");
    refused(R"({"doc": ["a", "a"]})", "22023", "the same twice");
    refused(R"("doc")", "22023", "not of its form");
    std::string many;
    for (int i = 0; i < 65; ++i) many += (i == 0 ? "\"k" : ", \"k") + std::to_string(i) + "\"";
    refused("{\"doc\": [" + many + "]}", "22023", "more than 64");
}

}  // namespace
}  // namespace tandem::test
