// The queries of corpus/*.sql: PostgreSQL and the router answer alike, and each query runs where it
// has to. A file is statements that end with a semicolon at the end of a line; in front of one may
// stand
//
//   --@ routed, or --@ partly: pieces of it are, or --@ and the code of the reason why it stays in
//       Postgres, or --@ failed when it ran: ClickHouse gave an error, and Postgres answered
//   --! SQL that is only run: settings, PREPARE
//
// TANDEM_CORPUS names one file to run; TANDEM_PIN=1 prints what each query does. The tables are
// made by tables.setup; HOLD puts a table into ClickHouse as well.
#include <algorithm>
#include <filesystem>

#include "integration/route/corpus.h"
#include "integration/route/differential.h"
#include "sqltext/quote.h"

namespace tandem::route_test {

namespace {

class RouteCorpus : public RouteDifferential {
  protected:
    void SetUp() override {
        RouteDifferential::SetUp();
        if (HasFatalFailure()) return;
        for (const Entry& entry : entries_of(directory() + "/tables.setup")) {
            if (entry.sql.starts_with("HOLD "))
                hold_in_both(entry.sql.substr(5));
            else
                run(entry.sql);
        }
    }

    static std::string directory() {
        return TANDEM_SOURCE_DIRECTORY "/test/integration/route/corpus";
    }

    // What EXPLAIN shows people can be given to ClickHouse as it is.
    void parses_laid_out(const std::string& sql) {
        if (sql.starts_with("EXECUTE")) return;
        std::string shown = ask("SELECT remote_sql FROM tandem.explain_route($q$" + sql + "$q$)");
        for (size_t at = 0; at != std::string::npos;) {
            size_t end = shown.find(";\n", at);
            std::string one = shown.substr(at, end == std::string::npos ? end : end - at);
            auto parsed = clickhouse::select_all(
                *client_, {.sql = "SELECT formatQuery(" + sqltext::ch_string(one) + ")"});
            EXPECT_TRUE(parsed.ok()) << one << "\n" << parsed.error().to_string();
            at = end == std::string::npos ? end : end + 2;
        }
    }

    // What EXPLAIN says besides the code.
    std::string words_for(const std::string& sql, const std::string& did) {
        if (did == "routed" || sql.starts_with("EXECUTE")) return "";
        return "\n           " +
               ask("SELECT coalesce(reason, remote_sql) FROM tandem.explain_route($q$" + sql +
                   "$q$)");
    }

    std::string compared(const Entry& entry) {
        if (!entry.setup.empty()) run(entry.setup);
        bool routed = compare(entry.sql, is_sorted(entry.sql));
        if (routed) {
            parses_laid_out(entry.sql);
            bool partly = !entry.sql.starts_with("EXECUTE") && reason_for(entry.sql) == "partly";
            return partly ? "partly" : "routed";
        }
        if (entry.sql.starts_with("EXECUTE")) return "stays";
        std::string why = reason_for(entry.sql);
        if (std::getenv("TANDEM_PIN") != nullptr)
            why += ask(" SELECT ': ' || reason FROM tandem.explain_route($q$" + entry.sql + "$q$)");
        return why == "routed" || why == "partly" ? "failed when it ran: " + reason(entry.sql)
                                                  : why;
    }
};

// What the mirror makes of keys of documents, made here by Postgres: columns beside those that the
// tables have.
class RouteJsonKeys : public RouteCorpus {
  protected:
    void SetUp() override {
        RouteCorpus::SetUp();
        if (HasFatalFailure()) return;
        run(test_support::source_text("src/catalog/migrations/0008_json_keys.sql"));
        keep_keys("items", "j");
        keep_keys("facts", "j");
        keep_keys("loose_lists", "doc");
        run(kAfresh);
    }

    std::string remote(const std::string& sql) {
        return ask("SELECT coalesce(remote_sql, reason) FROM tandem.explain_route($q$" + sql +
                   "$q$)");
    }

  private:
    // Of every key that a document has, and of one that none has.
    void keep_keys(const std::string& table, const std::string& document) {
        auto keys = connection_->query("SELECT DISTINCT k FROM (SELECT jsonb_object_keys(" +
                                       document + ") AS k FROM " + table + " WHERE jsonb_typeof(" +
                                       document + ") = 'object' UNION VALUES ('zz')) x ORDER BY k");
        ASSERT_TRUE(keys.ok()) << keys.error().to_string();
        std::string definition = "id Int64";
        std::string literals = "id";
        for (int i = 0; i < keys->rows(); ++i) {
            std::string key = sqltext::pg_literal(keys->value(i, 0));
            std::string number = std::to_string(i);
            definition += ", _tandem_key_" + number + " " +
                          (i % 2 == 0 ? "LowCardinality(Nullable(String))" : "Nullable(String)") +
                          ", _tandem_kind_" + number + " UInt8";
            literals += " || ', ' || coalesce('unhex(''' || encode(convert_to(" + document +
                        " ->> " + key + ", 'UTF8'), 'hex') || ''')', 'NULL') || ', ' || " +
                        kind_of(document, key);
            run("INSERT INTO tandem.mirror_json_key SELECT 1, attrelid, 1, attnum, " + key +
                ", '_tandem_key_" + number + "', '_tandem_kind_" + number +
                "', false FROM pg_attribute WHERE attrelid = '" + table +
                "'::regclass AND attname = '" + document + "'");
        }
        run_clickhouse("CREATE TABLE tandem_rows.keys (" + definition +
                       ") ENGINE = MergeTree ORDER BY id");
        run_clickhouse("INSERT INTO tandem_rows.keys VALUES " +
                       ask("SELECT string_agg('(' || " + literals + " || ')', ',') FROM " + table));
        for (const std::string& part : {table, "_tandem_delta_" + table}) {
            bool delta = part != table;
            run_clickhouse("CREATE TABLE tandem_rows.with_keys ENGINE = MergeTree ORDER BY id " +
                           std::string(delta ? "PARTITION BY _tandem_generation " : "") +
                           "AS SELECT t.*, k.* EXCEPT id FROM tandem_rows." + part +
                           " AS t INNER JOIN tandem_rows.keys AS k ON toInt64(t.id) = k.id");
            run_clickhouse("EXCHANGE TABLES tandem_rows.with_keys AND tandem_rows." + part);
            run_clickhouse("DROP TABLE tandem_rows.with_keys SYNC");
        }
        run_clickhouse("DROP TABLE tandem_rows.keys SYNC");
    }

    // The numbers of types/postgres/json_keys.h.
    static std::string kind_of(const std::string& document, const std::string& key) {
        return "CASE WHEN " + document + " IS NULL THEN 8 WHEN jsonb_typeof(" + document +
               ") <> 'object' THEN CASE WHEN " + document + " ? " + key +
               " THEN 7 ELSE 0 END ELSE coalesce(array_position(ARRAY['null', 'string', 'number', "
               "'boolean', 'object', 'array'], jsonb_typeof(" +
               document + " -> " + key + ")), 0) END";
    }
};

std::vector<std::string> corpus_files(const std::string& directory) {
    std::vector<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(directory))
        if (file.path().extension() == ".sql") files.push_back(file.path());
    std::sort(files.begin(), files.end());
    return files;
}

class RouteCorpusInOtherZones : public RouteCorpus {
  protected:
    void SetUp() override {
        quick_ = true;
        RouteCorpus::SetUp();
    }
};

TEST_F(RouteCorpusInOtherZones, is_answered_like_postgres) {
    for (const std::string& file : corpus_files(directory())) {
        run("DEALLOCATE ALL; SET timezone = 'America/New_York'");
        for (const Entry& entry : entries_of(file)) {
            if (!entry.setup.empty()) run(entry.setup);
            compare(entry.sql, is_sorted(entry.sql));
        }
        run(kAfresh);
    }
}

TEST_F(RouteCorpus, is_answered_like_postgres_and_where_it_says) {
    const char* only = std::getenv("TANDEM_CORPUS");
    const char* pin = std::getenv("TANDEM_PIN");
    std::vector<std::string> files;
    if (only != nullptr)
        files.emplace_back(only);
    else
        files = corpus_files(directory());
    size_t asked = 0;
    size_t routed = 0;
    for (const std::string& file : files) {
        for (const Entry& entry : entries_of(file)) {
            std::string did = compared(entry);
            ++asked;
            routed += did == "routed" ? 1 : 0;
            if (pin != nullptr) std::cout << "--@ " << did << "\n" << entry.sql << ";\n";
            if (entry.expected.empty()) continue;
            EXPECT_TRUE(did.starts_with(entry.expected))
                << file << "\n"
                << entry.sql << "\nhas to be: " << entry.expected << "\n       is: " << did
                << words_for(entry.sql, did);
        }
        run(kAfresh);
    }
    std::cout << routed << " of " << asked << " queries of the corpus ran in ClickHouse\n";
}

TEST_F(RouteJsonKeys, are_answered_like_postgres) {
    for (const std::string file :
         {"json.sql", "json_keys.sql", "json_values.sql", "documents.sql"}) {
        for (const Entry& entry : entries_of(directory() + "/" + file)) {
            if (!entry.setup.empty()) run(entry.setup);
            bool routed = compare(entry.sql, is_sorted(entry.sql));
            bool of_keys = file == "json_keys.sql";
            EXPECT_TRUE(routed || !(of_keys || entry.expected == "routed")) << entry.sql << "\n"
                                                                            << reason(entry.sql);
            if (!of_keys) continue;
            // Nothing of the documents is read.
            std::string sql = remote(entry.sql);
            EXPECT_NE(sql.find("_tandem_k"), std::string::npos) << sql;
            for (const char* read : {"JSON", "`j`", "`doc`"})
                EXPECT_EQ(sql.find(read), std::string::npos) << sql;
        }
        run(kAfresh);
    }
}

// A copy that does not have the columns is read as ever, also by what was planned before.
TEST_F(RouteJsonKeys, count_for_the_copy_that_has_them) {
    const std::string sql = "SELECT count(*) FROM facts WHERE j ->> 'tier' = 'gold'";
    run("PREPARE planned AS " + sql);
    for (int i = 0; i < 7; ++i) EXPECT_EQ(ask("EXECUTE planned"), "100");
    EXPECT_NE(remote(sql).find("_tandem_key_"), std::string::npos) << remote(sql);
    std::string column =
        ask("DELETE FROM tandem.mirror_json_key WHERE relid = 'facts'::regclass AND key = 'tier' "
            "RETURNING text_column");
    run_clickhouse("ALTER TABLE tandem_rows.facts UPDATE `" + column +
                   "` = 'gold' WHERE 1 SETTINGS mutations_sync = 2");
    EXPECT_EQ(remote(sql).find("_tandem_key_"), std::string::npos) << remote(sql);
    EXPECT_EQ(ask("EXECUTE planned"), "100");
    EXPECT_TRUE(compare(sql, false));
}

TEST_F(RouteJsonKeys, are_trusted_as_far_as_their_document) {
    run("UPDATE tandem.mirror_column SET inexact_since = '0/1' WHERE relid = 'facts'::regclass AND "
        "column_name = 'j'");
    EXPECT_EQ(reason_for("SELECT count(*) FROM facts WHERE j ->> 'tier' = 'gold'"),
              "inexact_column");
}

}  // namespace

}  // namespace tandem::route_test
