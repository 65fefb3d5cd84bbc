// What production databases do all day, as a list of cases (maintenance/*.sql): after every step
// the routed answer is that of Postgres, at once; and when all is followed, both sides hold the
// same and every table routes again.
//
// A case has a schema of its own; all cases share one mirror, and go on step by step together. So
// they stand in each other's way as they would in a database. TANDEM_CASE=name,name runs some
// alone, TANDEM_CASE=all all of them; TANDEM_SHOW=1 says how each step was followed.
//
//   --@ case name       what follows makes its tables
//   --@ then            a step: statements, each ending with ; at the end of a line
//   --@ fails           the next statement is refused by Postgres
//   --@ in place        no table of the case is loaded again in this step
//   --@ loads           some table of the case is loaded again in this step
//   --@ failed code     from this step on one of its tables has failed with the code
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "base/back_off.h"
#include "linear/whole_fixture.h"
#include "mirror/verify/verify.h"
#include "sqltext/quote.h"

namespace tandem::test {
namespace {

using sqltext::pg_ident;
using sqltext::pg_literal;
using std::chrono::milliseconds;
using Rows = std::vector<std::vector<std::string>>;

struct Statement {
    std::string sql;
    bool fails = false;
};
struct Step {
    std::vector<Statement> statements;
    bool in_place = false;
    bool loads = false;
};
struct Case {
    std::string name;
    std::vector<Step> steps;                               // the first makes the tables
    std::vector<std::pair<size_t, std::string>> failures;  // from which step on, code
    std::string generations;

    bool fails(size_t step, const std::string& code) const {
        return std::any_of(failures.begin(), failures.end(), [&](const auto& failure) {
            return failure.first <= step && failure.second == code;
        });
    }
};

// Reads the lines of one file after the other.
class CaseReader {
  public:
    void add(const std::string& line) {
        if (line.starts_with("--@ case ")) {
            cases.emplace_back().name = line.substr(9);
            cases.back().steps.emplace_back();
        } else if (line == "--@ then") {
            cases.back().steps.emplace_back();
        } else if (line == "--@ fails") {
            fails_ = true;
        } else if (line == "--@ in place") {
            cases.back().steps.back().in_place = true;
        } else if (line == "--@ loads") {
            cases.back().steps.back().loads = true;
        } else if (line.starts_with("--@ failed ")) {
            cases.back().failures.emplace_back(cases.back().steps.size() - 1, line.substr(11));
        } else if (open_ || (!line.empty() && !line.starts_with("--"))) {
            add_sql(line, cases.back().steps.back().statements);
        }
    }

    std::vector<Case> cases;

  private:
    // A statement ends with a line that ends with a semicolon, outside of $$.
    void add_sql(const std::string& line, std::vector<Statement>& statements) {
        if (!open_) statements.push_back({"", std::exchange(fails_, false)});
        std::string& sql = statements.back().sql;
        sql += line + "\n";
        size_t quotes = 0;
        for (size_t at = sql.find("$$"); at != std::string::npos; at = sql.find("$$", at + 2))
            ++quotes;
        open_ = !line.ends_with(";") || quotes % 2 != 0;
    }

    bool open_ = false;
    bool fails_ = false;
};

// In every run, because a minute is what there is for them: those that were not followed once.
constexpr const char* kInEveryRun =
    "others_messages,leaf_unlogged,enums,composites,changes_of_enum_type,leaf_exchanged,names,"
    "swap_by_rename,truncate_and_ddl,odd_keys,replica_identity_to_and_fro,default_partition,"
    "rows_moved_to_a_new_partition";

std::vector<Case> read_cases() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(TANDEM_MAINTENANCE))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    CaseReader reader;
    for (const auto& file : files) {
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);) reader.add(line);
    }
    const char* given = std::getenv("TANDEM_CASE");
    std::string names = given != nullptr ? given : kInEveryRun;
    if (names != "all")
        std::erase_if(reader.cases, [names = "," + names + ","](const Case& one) {
            return names.find("," + one.name + ",") == std::string::npos;
        });
    return std::move(reader.cases);
}

// The first rows that only one side has; both are sorted.
std::string difference(const Rows& routed, const Rows& own) {
    std::string text = "\n" + std::to_string(routed.size()) + " rows routed, " +
                       std::to_string(own.size()) + " of Postgres";
    for (const auto& [title, a, b] :
         {std::tuple("\nrouted: ", &routed, &own), std::tuple("\nPostgres: ", &own, &routed)}) {
        Rows only;
        std::set_difference(a->begin(), a->end(), b->begin(), b->end(), std::back_inserter(only));
        for (size_t row = 0; row < std::min<size_t>(only.size(), 3); ++row) {
            text += title;
            for (const std::string& value : only[row]) text += value.substr(0, 80) + " | ";
        }
    }
    return text;
}

class maintenance : public WholeFixture {
  protected:
    void SetUp() override {
        WholeFixture::SetUp();
        if (HasFatalFailure()) return;
        options_.limits.folding.grace = milliseconds(500);
        options_.limits.folding.generation_age = milliseconds(300);
        start_daemon();
        must(*admin_, "SET tandem.route_cost_threshold = 0; SET tandem.wait_budget = 2000");
        must(*admin_, "CREATE TABLE tables_of_cases (name text, relid oid)");
    }

    Rows rows(const std::string& sql) {
        auto found = admin_->query(sql);
        EXPECT_TRUE(found.ok()) << found.error().to_string() << "\n" << sql;
        Rows all;
        for (int row = 0; found.ok() && row < found->rows(); ++row) {
            all.emplace_back();
            for (int i = 0; i < found->columns(); ++i)
                all.back().push_back(found->is_null(row, i) ? "(null)" : found->text(row, i));
        }
        return all;
    }
    std::string one(const std::string& sql) {
        Rows all = rows(sql);
        return all.empty() ? "" : all[0][0];
    }
    // The tables of the case that the mirror knows, whatever they are called by now.
    static std::string tables_of(const Case& one) {
        return "(SELECT t.* FROM tandem.mirror_table t JOIN tables_of_cases c USING (relid) WHERE "
               "c.name = " +
               pg_literal(one.name) + ") t";
    }
    std::string generations(const Case& of) {
        return one("SELECT string_agg(relid || ':' || generation, ' ' ORDER BY relid) FROM " +
                   tables_of(of));
    }

    void create(std::vector<Case>& cases);
    void run(const Case& one, const Step& step);
    void compare(const Case& one);
    std::string why_not_followed(const Case& of, size_t step);
    void settle(const std::vector<Case>& cases, size_t step);
    void verify();
    void check_loads(const Case& of, size_t step);
};

void maintenance::run(const Case& one, const Step& step) {
    must(*admin_, "SET tandem.route = off; SET search_path = " + pg_ident(one.name) + ", public");
    for (const Statement& statement : step.statements) {
        Status done = admin_->execute(statement.sql);
        EXPECT_EQ(done.ok(), !statement.fails)
            << one.name << ": " << (done.ok() ? "" : done.error().to_string()) << "\n"
            << statement.sql;
    }
    must(*admin_, "RESET search_path; RESET ROLE; RESET session_replication_role");
}

void maintenance::compare(const Case& one) {
    must(*admin_, "SET tandem.route = off");
    Rows tables =
        rows("SELECT c.oid::regclass FROM " + tables_of(one) + " JOIN pg_class c ON c.oid = relid");
    for (const auto& table : tables) {
        for (const char* what : {"count(*)", "*"}) {
            std::string sql = std::string("SELECT ") + what + " FROM " + table[0];
            must(*admin_, "SET tandem.route = on");
            Rows routed = rows(sql);
            must(*admin_, "SET tandem.route = off");
            Rows own = rows(sql);
            std::sort(routed.begin(), routed.end());
            std::sort(own.begin(), own.end());
            EXPECT_TRUE(routed == own) << one.name << ": " << sql << difference(routed, own);
        }
    }
}

// Empty when every table routes, but for those that have failed as they should.
std::string maintenance::why_not_followed(const Case& of, size_t step) {
    std::string why;
    std::set<std::string> failed;
    for (const auto& table :
         rows("SELECT relid, state, coalesce(error_code, ''), relid IN (SELECT relid FROM "
              "tandem.changed_tables()), EXISTS (SELECT FROM pg_class WHERE oid = relid) FROM " +
              tables_of(of))) {
        bool there = table[4] == "t";
        bool right = table[1] == "failed"    ? of.fails(step, table[2])
                     : table[1] == "dropped" ? !there
                                             : table[1] == "live" && there && table[3] == "f";
        if (table[1] == "failed") failed.insert(table[2]);
        if (!right) why += table[0] + " is " + table[1] + " " + table[2] + " " + table[3] + "\n";
    }
    for (const auto& [from, code] : of.failures)
        if (from <= step && !failed.contains(code)) why += "nothing failed with " + code + "\n";
    if (!why.empty() || one("SELECT tandem.wait_for('m')") != "t") return why + "behind";
    Rows live = rows("SELECT relid::regclass FROM " + tables_of(of) + " WHERE state = 'live'");
    must(*admin_, "SET tandem.route = force");
    for (const auto& table : live) {
        auto answer = admin_->query("SELECT count(*) FROM " + table[0]);
        if (answer.ok()) continue;
        // What the mirror cannot help.
        std::string message = answer.error().message();
        if (message.find("(inheritance)") == std::string::npos &&
            message.find("are told apart by values of type") == std::string::npos)
            why += message + "\n";
    }
    must(*admin_, "SET tandem.route = off");
    return why;
}

void maintenance::settle(const std::vector<Case>& cases, size_t step) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    for (const Case& of : cases) {
        for (;;) {
            std::string why = why_not_followed(of, step);
            if (why.empty()) break;
            if (std::chrono::steady_clock::now() > deadline) {
                ADD_FAILURE() << of.name << " is not followed after step " << step << "\n" << why;
                break;
            }
            back_off(milliseconds(20));
        }
    }
}

void maintenance::verify() {
    clickhouse::Endpoint target;
    target.host = clickhouse_->host();
    target.port = clickhouse_->native_port();
    target.user = clickhouse_->user();
    target.password = clickhouse_->password();
    auto verified = mirror::verify_mirror(options_.source, target, "m", {});
    ASSERT_TRUE(verified.ok()) << verified.error().to_string();
    for (const mirror::VerifiedTable& table : *verified) {
        if (table.state != "live") continue;
        // A stream as text, which extension types ask for, has the names and not the OIDs.
        if (table.schema == "names_of_objects") continue;
        EXPECT_TRUE(table.comparison.equal())
            << table.schema << "." << table.name << ": " << table.comparison.to_string();
    }
}

void maintenance::check_loads(const Case& of, size_t step) {
    if (of.steps.size() <= step) return;
    bool same = generations(of) == of.generations;
    EXPECT_FALSE(of.steps[step].in_place && !same) << of.name << " " << step << ": loaded again";
    EXPECT_FALSE(of.steps[step].loads && same) << of.name << " " << step << ": not loaded again";
    if (std::getenv("TANDEM_SHOW") != nullptr)
        std::printf("%s, step %zu: %s\n", of.name.c_str(), step, same ? "in place" : "loaded");
}

void maintenance::create(std::vector<Case>& cases) {
    std::string schemas;
    for (const Case& of : cases) {
        must(*admin_, "CREATE SCHEMA " + pg_ident(of.name));
        run(of, of.steps[0]);
        schemas += (schemas.empty() ? "" : ", ") + pg_literal(of.name + ".*");
    }
    must(*admin_, "SELECT tandem.create_mirror('m', ARRAY[" + schemas + "])");
    must(*admin_, "INSERT INTO tables_of_cases SELECT schema_name, relid FROM tandem.mirror_table");
}

TEST_F(maintenance, is_followed) {
    if (HasFatalFailure()) return;
    std::vector<Case> cases = read_cases();
    ASSERT_FALSE(cases.empty());
    create(cases);
    if (HasFatalFailure()) return stop_daemon();
    settle(cases, 0);
    verify();
    size_t steps = 0;
    for (const Case& of : cases) steps = std::max(steps, of.steps.size());
    for (size_t step = 1; step < steps; ++step) {
        for (Case& of : cases) of.generations = generations(of);
        for (Case& of : cases) {
            if (of.steps.size() <= step) continue;
            run(of, of.steps[step]);
            compare(of);
        }
        settle(cases, step);
        verify();
        for (Case& of : cases) {
            compare(of);
            check_loads(of, step);
        }
    }
    stop_daemon();
}

}  // namespace
}  // namespace tandem::test
