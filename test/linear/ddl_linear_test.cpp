// Random DDL between random DML, by one client: whatever was done, and however far the mirror is,
// the router gives the answer that Postgres gives. Now and then the daemon is away, killed at any
// instruction or stopped, and now and then everything is waited for: then queries must route again,
// with no resync by hand.
//
// TANDEM_LINEAR_SEED and TANDEM_BUDGET_SECONDS (default 25) say which and how long; what was done
// is printed on a failure.
#include <algorithm>
#include <functional>
#include <random>
#include <vector>

#include "base/back_off.h"
#include "base/failpoint.h"
#include "fault/daemon_process.h"
#include "linear/whole_fixture.h"

namespace tandem::test {
namespace {

using std::chrono::milliseconds;

const char* const kSchema = R"(
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE SCHEMA other;
CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL, s varchar(20), m mood, j jsonb);
CREATE TABLE k (a int, b text, big text, n numeric(10,2), PRIMARY KEY (a, b));
ALTER TABLE k ALTER big SET STORAGE EXTERNAL;
CREATE TABLE p (id int, v int, j jsonb, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE p0 PARTITION OF p FOR VALUES FROM (0) TO (100);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (100) TO (200);
INSERT INTO t SELECT i, i, 'text ' || i, 'ok', jsonb_build_object('a', i, 'b', 'x' || i) FROM generate_series(1, 40) i;
INSERT INTO k SELECT i, 'b' || i, repeat(md5(i::text), 120), i + 0.5 FROM generate_series(1, 40) i;
INSERT INTO p SELECT i, i, jsonb_build_object('a', 'p' || i) FROM generate_series(0, 199, 5) i;
)";

struct Column {
    std::string name;
    std::string type;
    bool key = false;
    bool writable = true;
};

class ddl_linear : public WholeFixture {
  protected:
    void SetUp() override {
        WholeFixture::SetUp();
        if (HasFatalFailure()) return;
        daemon_process_ = std::make_unique<DaemonProcess>(*postgres_, *clickhouse_);
        const char* seed = std::getenv("TANDEM_LINEAR_SEED");
        random_.seed(seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10));
        must(*admin_, kSchema);
        for (const char* name : {"t", "k", "p"})
            tables_.push_back(one("SELECT '" + std::string(name) + "'::regclass::oid"));
        daemon_process_->start();
        must(*admin_,
             "SELECT tandem.create_mirror('m', ARRAY['t', 'k', 'p'], '{\"json_keys\": {\"t\": "
             "{\"j\": "
             "[\"a\", \"b\"]}, \"p\": {\"j\": [\"a\"]}}}')");
        must(*admin_, "SELECT tandem.wait_until_live('m', '60s')");
        must(*admin_, "SET tandem.route_cost_threshold = 0; SET tandem.wait_budget = 3000");
    }

    int pick(int from, int to) { return std::uniform_int_distribution(from, to)(random_); }
    bool chance(int percent) { return pick(1, 100) <= percent; }
    std::string any(std::vector<std::string> of) {
        return of[static_cast<size_t>(pick(0, static_cast<int>(of.size()) - 1))];
    }

    std::string one(const std::string& sql) {
        auto rows = admin_->query(sql);
        EXPECT_TRUE(rows.ok()) << rows.error().to_string() << "\n" << sql;
        return rows.ok() && rows->rows() > 0 ? rows->text(0, 0) : "";
    }
    std::vector<std::string> list(const std::string& sql) {
        auto rows = admin_->query(sql);
        EXPECT_TRUE(rows.ok()) << rows.error().to_string() << "\n" << sql;
        std::vector<std::string> texts;
        for (int row = 0; rows.ok() && row < rows->rows(); ++row)
            texts.push_back(rows->text(row, 0));
        return texts;
    }
    // What cannot be done at this place is left.
    void attempt(const std::string& sql) {
        done_.push_back(sql);
        Status did = admin_->execute(sql);
        if (did.ok()) {
            ++worked_;
            return;
        }
        done_.back() += "  -- " + did.error().message();
        ++refused_;
        static_cast<void>(admin_->execute("ROLLBACK").ok());
    }

    std::string name_of(const std::string& oid) { return one("SELECT " + oid + "::regclass"); }
    std::vector<Column> columns(const std::string& oid);
    std::string literal(const std::string& type);
    std::string condition(const std::vector<Column>& columns);
    std::string dml();
    std::string ddl();
    std::string ddl_of_columns(const std::string& table, const std::vector<Column>& columns);
    std::string ddl_of_partitions();
    std::string moves_rows(const std::string& table);
    void step();
    void stop_or_start();
    void compare();
    void compare(const std::string& sql);
    void settle();
    std::string history();

    std::unique_ptr<DaemonProcess> daemon_process_;
    std::mt19937_64 random_;
    std::vector<std::string> tables_;  // OIDs
    std::vector<std::string> done_;
    int names_ = 0;
    int worked_ = 0;
    int refused_ = 0;
    int compared_ = 0;
    bool daemon_runs_ = true;
};

std::string ddl_linear::history() {
    std::string text;
    for (const char* table :
         {"mirror_table", "mirror_copy", "mirror_leaf", "mirror_chunk", "mirror"})
        text += one(std::string("SELECT string_agg(t::text, E'\\n') FROM tandem.") + table + " t") +
                "\n";
    for (const std::string& sql : done_) text += sql + ";\n";
    return text;
}

std::vector<Column> ddl_linear::columns(const std::string& oid) {
    auto rows = admin_->query(
        "SELECT quote_ident(attname), format_type(atttypid, NULL), EXISTS (SELECT FROM pg_index "
        "WHERE indrelid = attrelid AND indisprimary AND attnum = ANY (indkey)), attgenerated = '' "
        "AND attidentity <> 'a' FROM pg_attribute WHERE attrelid = " +
        oid + " AND attnum > 0 AND NOT attisdropped ORDER BY attnum");
    EXPECT_TRUE(rows.ok());
    std::vector<Column> found;
    for (int row = 0; row < rows->rows(); ++row)
        found.push_back({rows->text(row, 0), rows->text(row, 1), rows->value(row, 2) == "t",
                         rows->value(row, 3) == "t"});
    return found;
}

std::string ddl_linear::literal(const std::string& type) {
    std::string number = std::to_string(pick(1, 200));
    if (type == "integer" || type == "bigint" || type == "smallint") return number;
    if (type == "numeric") return any({number + ".25", "-" + number + ".5", "NULL"});
    if (type == "double precision") return number + ".125";
    if (type == "boolean") return any({"true", "false", "NULL"});
    if (type == "mood") return any({"'sad'", "'ok'", "'happy'", "NULL"});
    if (type == "date") return "'2024-01-01'::date + " + number;
    if (type.starts_with("timestamp"))
        return "'2024-01-01 10:00:00.6'::timestamptz + '" + number + " h'";
    if (type == "jsonb")
        return any({"NULL", "'{\"a\": 1.50}'", "'{\"a\": null, \"b\": \"w" + number + "\"}'",
                    "'[\"a\"]'", "jsonb_build_object('a', repeat(md5('" + number + "'), 120))"});
    if (chance(15)) return "repeat(md5('" + number + "'), 120)";
    return chance(10) ? "NULL" : "'w" + number + "'";
}

std::string ddl_linear::condition(const std::vector<Column>& columns) {
    for (const Column& column : columns)
        if (column.key && column.type != "text")
            return chance(40) ? column.name + " = " + std::to_string(pick(1, 200))
                              : column.name + " % " + std::to_string(pick(3, 7)) + " = 0";
    return "false";
}

std::string ddl_linear::dml() {
    const std::string& oid = tables_[static_cast<size_t>(pick(0, 2))];
    std::string table = name_of(oid);
    std::vector<Column> all = columns(oid);
    int kind = pick(1, 100);
    if (kind <= 3) return "TRUNCATE " + table;
    if (kind <= 20) return "DELETE FROM " + table + " WHERE " + condition(all);
    std::vector<Column> writable;
    for (const Column& column : all)
        if (column.writable) writable.push_back(column);
    if (kind <= 55) {
        const Column& column =
            writable[static_cast<size_t>(pick(0, static_cast<int>(writable.size()) - 1))];
        std::string value =
            column.key && column.type != "text" ? column.name + " + 1" : literal(column.type);
        if (column.key && column.type == "text") value = column.name + " || 'x'";
        std::string where =
            column.key ? condition(all) + " AND " + column.name + " IS NOT NULL" : condition(all);
        return "UPDATE " + table + " SET " + column.name + " = " + value + " WHERE " + where;
    }
    std::string names;
    std::string values;
    for (const Column& column : writable) {
        names += (names.empty() ? "" : ", ") + column.name;
        values += (values.empty() ? "" : ", ") + (column.key && column.type == "text"
                                                      ? "'b" + std::to_string(pick(1, 60)) + "'"
                                                      : literal(column.type));
    }
    return "INSERT INTO " + table + " (" + names + ") VALUES (" + values +
           ") ON CONFLICT DO NOTHING";
}

std::string ddl_linear::ddl_of_columns(const std::string& table, const std::vector<Column>& all) {
    std::string alter = "ALTER TABLE " + table + " ";
    std::string fresh = "c" + std::to_string(++names_);
    std::vector<Column> free;
    for (const Column& column : all)
        if (!column.key) free.push_back(column);
    bool add = free.empty() || all.size() < 4 || (all.size() < 9 && chance(35));
    if (add)
        return alter + "ADD COLUMN " + fresh + " " +
               any({"int", "int DEFAULT 7", "text", "text DEFAULT 'x''y'",
                    "numeric(8,2) DEFAULT 1.5", "boolean DEFAULT true", "date DEFAULT '2024-02-29'",
                    "timestamptz DEFAULT now()", "float8 DEFAULT random()",
                    "bigint GENERATED BY DEFAULT AS IDENTITY",
                    "int GENERATED ALWAYS AS (1 + 1) STORED", "mood DEFAULT 'happy'", "jsonb",
                    "jsonb DEFAULT '{\"a\": 2}'", "int NOT NULL DEFAULT 3"});
    const Column& column = free[static_cast<size_t>(pick(0, static_cast<int>(free.size()) - 1))];
    const std::string& name = column.name;
    bool number = column.type == "integer" || column.type == "bigint" || column.type == "smallint";
    std::vector<std::string> some = {
        alter + "DROP COLUMN " + name,
        alter + "RENAME COLUMN " + name + " TO " + fresh,
        alter + "DROP COLUMN " + name + ", ADD COLUMN " + name + " " +
            any({"int", "text", column.type}),
        alter + "ALTER " + name + " DROP NOT NULL",
        alter + "ALTER " + name + " SET NOT NULL",
        alter + "ALTER " + name + " SET DEFAULT " + literal(column.type),
        alter + "ALTER " + name + " DROP EXPRESSION IF EXISTS",
        alter + "ALTER " + name + " DROP IDENTITY IF EXISTS",
        alter + "ALTER " + name + " SET STATISTICS 50",
        alter + "ALTER " + name + " TYPE text USING " + name + "::text",
        number ? alter + "ALTER " + name + " TYPE bigint"
               : alter + "ALTER " + name + " TYPE varchar(9) USING left(" + name + "::text, 9)",
        number ? alter + "ALTER " + name + " TYPE int USING " + name + " + 1"
               : alter + "ALTER " + name + " TYPE text USING " + name + " || '!'",
    };
    if (free.size() > 1) {
        const std::string& other = free[column.name == free[0].name ? 1 : 0].name;
        some.push_back(alter + "RENAME COLUMN " + name + " TO swapped; " + alter +
                       "RENAME COLUMN " + other + " TO " + name + "; " + alter +
                       "RENAME COLUMN swapped TO " + other);
        some.push_back(alter + "DROP COLUMN " + name + "; " + alter + "RENAME COLUMN " + other +
                       " TO " + name);
    }
    return any(some);
}

std::string ddl_linear::ddl_of_partitions() {
    std::string root = name_of(tables_[2]);
    std::string from = std::to_string(pick(0, 6) * 100);
    std::string leaf = "p_" + std::to_string(++names_);
    std::vector<std::string> leaves =
        list("SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = " + tables_[2]);
    std::vector<std::string> free = list(
        "SELECT oid::regclass FROM pg_class WHERE relname ~ '^p_?[0-9]+$' AND relkind = 'r' "
        "AND NOT relispartition");
    std::string bounds = " FOR VALUES FROM (" + from + ") TO (" + from + " + 100)";
    std::vector<std::string> some = {
        "CREATE TABLE " + leaf + " PARTITION OF " + root + bounds,
        "CREATE TABLE " + leaf + " PARTITION OF " + root + bounds + "; INSERT INTO " + leaf +
            " (id) SELECT i FROM generate_series(" + from + ", " + from + " + 99, 7) i",
        "CREATE TABLE " + leaf + " (LIKE " + root + " INCLUDING ALL); INSERT INTO " + leaf +
            " (id) SELECT i FROM generate_series(" + from + ", " + from +
            " + 99, 9) i; ALTER TABLE " + root + " ATTACH PARTITION " + leaf + bounds,
    };
    if (!leaves.empty()) {
        std::string victim = any(leaves);
        some.push_back("ALTER TABLE " + root + " DETACH PARTITION " + victim);
        some.push_back("DROP TABLE " + victim);
        some.push_back("TRUNCATE " + victim);
        some.push_back("ALTER TABLE " + root + " DETACH PARTITION " + victim + "; UPDATE " +
                       victim + " SET id = id + 1 WHERE id = (SELECT min(id) FROM " + victim + ")");
        std::string its_bounds =
            one("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE "
                "oid = '" +
                victim + "'::regclass");
        std::string move = "CREATE TABLE " + leaf + " (LIKE " + root +
                           " INCLUDING ALL); WITH moved AS (DELETE FROM " + victim +
                           " WHERE id % 3 > 0 RETURNING id) INSERT INTO " + leaf +
                           " (id) SELECT id FROM moved; ALTER TABLE " + root +
                           " DETACH PARTITION " + victim + "; ALTER TABLE " + root +
                           " ATTACH PARTITION " + leaf + " " + its_bounds;
        some.push_back(move);
        some.push_back("BEGIN; " + move + "; COMMIT");
        some.push_back("CREATE TABLE " + leaf + " PARTITION OF " + root + " DEFAULT");
    }
    if (!free.empty())
        some.push_back("ALTER TABLE " + root + " ATTACH PARTITION " + any(free) + bounds);
    return any(some);
}

// The table or one of its partitions; CLUSTER also in a transaction.
std::string ddl_linear::moves_rows(const std::string& table) {
    std::string heap = any(list("SELECT relid::regclass FROM pg_partition_tree('" + table +
                                "') WHERE isleaf UNION SELECT '" + table + "'::regclass"));
    std::string key =
        one("SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE "
            "indrelid = '" +
            heap + "'::regclass AND indisprimary");
    return key.empty() || chance(30) ? "VACUUM FULL " + heap : "CLUSTER " + heap + " USING " + key;
}

std::string ddl_linear::ddl() {
    if (chance(30)) return ddl_of_partitions();
    const std::string& oid = tables_[static_cast<size_t>(pick(0, 2))];
    std::string table = name_of(oid);
    int kind = pick(1, 100);
    if (kind > 30) return ddl_of_columns(table, columns(oid));
    if (kind > 25) return moves_rows(table);
    if (kind > 18) return "ALTER TABLE " + table + " RENAME TO n" + std::to_string(++names_);
    if (kind > 14)
        return "ALTER TABLE " + table + " SET SCHEMA " +
               (table.starts_with("other.") ? "public" : "other");
    if (kind > 11) return "ALTER TABLE " + table + " REPLICA IDENTITY " + any({"FULL", "DEFAULT"});
    if (kind > 9) return "CREATE INDEX ON " + table + " (" + columns(oid).back().name + ")";
    if (kind > 6)
        return "ALTER TYPE mood RENAME VALUE '" + any({"sad", "ok"}) + "' TO 'x" +
               std::to_string(++names_) + "'";
    if (kind > 4) return "ALTER TYPE mood ADD VALUE 'y" + std::to_string(++names_) + "'";
    if (kind > 3) return moves_rows(table);
    // With what tells of DDL at once, and without it.
    return "ALTER EVENT TRIGGER " + any({"tandem_ddl", "tandem_drop"}) +
           any({" ENABLE", " DISABLE"});
}

void ddl_linear::step() {
    std::string change = ddl();
    bool alone = change.starts_with("VACUUM") || change.find("ADD VALUE") != std::string::npos;
    if (alone || chance(50)) {
        if (chance(60)) attempt(dml());
        attempt(change);
        if (chance(60)) attempt(dml());
        return;
    }
    std::string text = "BEGIN; ";
    for (int i = pick(0, 2); i > 0; --i) text += dml() + "; ";
    text += change + "; ";
    if (chance(20)) text += ddl_of_partitions() + "; ";
    // What is written to a column that has just gone fails, and nothing of it happens.
    for (int i = pick(0, 1); i > 0; --i) text += dml() + "; ";
    attempt(text + (chance(12) ? "ROLLBACK" : "COMMIT"));
}

void ddl_linear::compare(const std::string& sql) {
    must(*admin_, "SET tandem.route = on");
    auto routed = admin_->query(sql);
    must(*admin_, "SET tandem.route = off");
    auto own = admin_->query(sql);
    ASSERT_TRUE(own.ok()) << own.error().to_string() << "\n" << sql;
    ASSERT_TRUE(routed.ok()) << routed.error().to_string() << "\n" << sql << "\n" << history();
    ++compared_;
    ASSERT_EQ(routed->rows(), own->rows()) << sql << "\n" << history();
    for (int row = 0; row < own->rows(); ++row)
        for (int column = 0; column < own->columns(); ++column) {
            ASSERT_EQ(routed->is_null(row, column), own->is_null(row, column))
                << sql << "\nrow " << row << "\n"
                << history();
            ASSERT_EQ(routed->value(row, column), own->value(row, column))
                << sql << "\nrow " << row << "\n"
                << history();
        }
}

void ddl_linear::compare() {
    for (const std::string& oid : tables_) {
        std::string table = name_of(oid);
        std::string values;
        std::string counts = "count(*)";
        std::string keys;
        for (const Column& column : columns(oid)) {
            if (column.type != "mood") values += (values.empty() ? "" : ", ") + column.name;
            counts += ", count(" + column.name + ")";
            if (column.type == "jsonb")
                for (const char* part : {" ->> 'a'", " ? 'a'", " ->> 'b'"})
                    counts += ", count(" + column.name + part + "), count(*) FILTER (WHERE " +
                              column.name +
                              (part[1] == '-' ? part + std::string(" LIKE '%1%'") : part) + ")";
            if (column.type == "jsonb")
                values += ", " + column.name + " ->> 'a', jsonb_typeof(" + column.name + " -> 'a')";
            if (column.key) keys += (keys.empty() ? "" : ", ") + column.name;
        }
        compare("SELECT " + counts + " FROM " + table);
        if (HasFatalFailure()) return;
        compare("SELECT " + values + " FROM " + table + " ORDER BY " + keys);
        if (HasFatalFailure()) return;
    }
}

void ddl_linear::stop_or_start() {
    if (daemon_runs_) {
        bool kill = chance(60);
        done_.push_back(kill ? "-- the daemon is killed" : "-- the daemon stops");
        kill ? daemon_process_->kill_hard() : void(daemon_process_->stop());
    } else {
        // Half of the time it will kill itself between two instructions of ours.
        std::string failpoint;
        if (chance(50))
            failpoint = std::string(kFailpoints[static_cast<size_t>(
                            pick(0, static_cast<int>(std::size(kFailpoints)) - 1))]) +
                        "=kill@" + std::to_string(pick(1, 4));
        done_.push_back("-- the daemon starts " + failpoint);
        daemon_process_->start(failpoint);
    }
    daemon_runs_ = !daemon_runs_;
}

// All is followed: every table routes again.
void ddl_linear::settle() {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
        bool quiet =
            one("SELECT count(*) FROM tandem.changed_tables()") == "0" &&
            one("SELECT count(*) FROM tandem.mirror_tables WHERE state <> 'live'") == "0" &&
            one("SELECT tandem.wait_for('m')") == "t";
        bool routes = quiet;
        must(*admin_, "SET tandem.route = force");
        for (const std::string& oid : tables_)
            if (routes) routes = admin_->query("SELECT count(*) FROM " + name_of(oid)).ok();
        if (routes) return;
        if (std::chrono::steady_clock::now() > deadline) {
            for (const std::string& oid : tables_) {
                auto answer = admin_->query("SELECT count(*) FROM " + name_of(oid));
                if (!answer.ok()) ADD_FAILURE() << answer.error().to_string();
            }
            FAIL() << one("SELECT string_agg(t::text, E'\\n') FROM tandem.mirror_tables t") << "\n"
                   << one("SELECT string_agg(t::text, E'\\n') FROM tandem.changed_tables() t")
                   << "\n"
                   << history();
        }
        back_off(milliseconds(50));
    }
}

TEST_F(ddl_linear, every_routed_answer_is_that_of_postgres) {
    if (HasFatalFailure()) return;
    auto begun = std::chrono::steady_clock::now();
    int steps = 0;
    while (std::chrono::steady_clock::now() - begun < std::chrono::seconds(budget_seconds(25))) {
        step();
        ++steps;
        if (chance(8)) stop_or_start();
        if (chance(70)) compare();
        if (HasFatalFailure()) break;
        if (steps % 12 != 0) continue;
        daemon_process_->kill_hard();  // it may have killed itself, too
        daemon_process_->start();
        daemon_runs_ = true;
        settle();
        if (HasFatalFailure()) break;
        compare();
        if (HasFatalFailure()) break;
    }
    daemon_process_->kill_hard();
    std::printf("%d steps, %d statements, %d of them refused, %d answers compared\n", steps,
                worked_, refused_, compared_);
    EXPECT_GT(compared_, 50);
    EXPECT_GT(worked_, refused_);
}

}  // namespace
}  // namespace tandem::test

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "--daemon")
        return tandem::test::run_daemon_process();
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
