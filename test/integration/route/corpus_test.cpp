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
#include <fstream>

#include "integration/route/differential.h"
#include "sqltext/quote.h"

namespace tandem::route_test {

namespace {

struct Entry {
    std::string setup;
    std::string sql;
    std::string expected;
};

std::vector<Entry> entries_of(const std::string& path) {
    std::ifstream in(path);
    std::vector<Entry> entries;
    Entry entry;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("--@ ")) {
            entry.expected = line.substr(4);
        } else if (line.starts_with("--! ")) {
            entry.setup += line.substr(4) + ";";
        } else if (!line.empty() && !line.starts_with("--")) {
            entry.sql += line + "\n";
            if (!line.ends_with(';')) continue;
            entry.sql.resize(entry.sql.size() - 2);
            entries.push_back(std::move(entry));
            entry = {};
        }
    }
    return entries;
}

// The outermost query has an ORDER BY.
bool is_sorted(const std::string& sql) {
    size_t at = sql.rfind("ORDER BY");
    return at != std::string::npos &&
           std::count(sql.begin(), sql.begin() + static_cast<std::ptrdiff_t>(at), '(') ==
               std::count(sql.begin(), sql.begin() + static_cast<std::ptrdiff_t>(at), ')');
}

constexpr const char* kAfresh =
    "DEALLOCATE ALL; RESET ALL; SET tandem.route_cost_threshold = 0; SET tandem.freshness = "
    "eventual";

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

std::vector<std::string> corpus_files(const std::string& directory) {
    std::vector<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(directory))
        if (file.path().extension() == ".sql") files.push_back(file.path());
    std::sort(files.begin(), files.end());
    return files;
}

TEST_F(RouteCorpus, is_answered_like_postgres_in_other_time_zones) {
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

}  // namespace

}  // namespace tandem::route_test
