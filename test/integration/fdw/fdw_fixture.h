// Tables in ClickHouse that a foreign table reads, beside local ones with the same rows.
//
// The rows are those of the router's fixture. In schema `far` each table is a foreign one of the
// same name and columns, so that a search path decides who answers.
#pragma once

#include "integration/route/differential.h"

namespace tandem::fdw_test {

class FdwTest : public route_test::RouteDifferential {
  protected:
    void SetUp() override {
        RouteDifferential::SetUp();
        if (HasFatalFailure()) return;
        run_clickhouse("CREATE DATABASE shop");
        make_server("far_away", clickhouse_->password());
        run("CREATE SCHEMA far");
        for (const char* table : {"items", "dims", "nothing"}) take_far(table);
        run("SET tandem.route = off");
    }

    void make_server(const std::string& name, const std::string& password,
                     const std::string& more = "") {
        run("CREATE SERVER " + name +
            " FOREIGN DATA WRAPPER tandem_fdw OPTIONS (host '127.0.0.1', "
            "port '" +
            std::to_string(clickhouse_->native_port()) + "', dbname 'shop'" + more + ")");
        run("CREATE USER MAPPING FOR CURRENT_USER SERVER " + name + " OPTIONS (\"user\" '" +
            clickhouse_->user() + "', password '" + password + "')");
    }

    // A table of the router's fixture, as ClickHouse would have it without a mirror.
    void take_far(const std::string& table) {
        std::string columns =
            ask("SELECT string_agg(format('`%s`', attname), ', ' ORDER BY attnum) "
                "FROM pg_attribute WHERE attrelid = '" +
                table + "'::regclass AND attnum > 0 AND NOT attisdropped");
        run_clickhouse("CREATE TABLE shop.`" + table +
                       "` ENGINE = MergeTree ORDER BY tuple() AS "
                       "SELECT " +
                       columns + " FROM tandem_rows.`" + table + "` WHERE _tandem_from = 10");
        declare(table);
    }

    // With the types that ClickHouse says.
    void declare(const std::string& table) {
        std::string columns = ask(
            "SELECT string_agg(format('%I %s OPTIONS (type %L)', a.attname, "
            "format_type(a.atttypid, a.atttypmod), c.type), ', ' ORDER BY attnum) FROM "
            "pg_attribute a JOIN tandem.query('far_away', $q$SELECT name, type FROM "
            "system.columns WHERE database = 'shop' AND table = '" +
            table + "'$q$) AS c (name text, type text) ON c.name = a.attname WHERE attrelid = '" +
            table + "'::regclass AND attnum > 0 AND NOT attisdropped");
        run("CREATE FOREIGN TABLE far." + table + " (" + columns +
            ") SERVER far_away OPTIONS (database 'shop', \"table\" '" + table + "')");
    }

    std::string far(const std::string& sql) {
        run("SET search_path = far, public");
        std::string got = answer(sql);
        run("SET search_path = public");
        return got;
    }

    std::string far_plan(const std::string& sql, const std::string& options = "COSTS OFF") {
        run("SET search_path = far, public");
        std::string got = explain(sql, options);
        run("SET search_path = public");
        return got;
    }

    static int count(const std::string& text, const std::string& what) {
        int found = 0;
        for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size())
            ++found;
        return found;
    }

    // One query in ClickHouse, and none else.
    bool is_whole(const std::string& sql) {
        return far_plan(sql).find("Custom Scan (Tandem)") != std::string::npos;
    }

    void same(const std::string& sql, bool ordered = false) {
        std::string near = answer(sql);
        std::string there = far(sql);
        if (!ordered) {
            near = route_test::sorted_rows(near);
            there = route_test::sorted_rows(there);
        }
        EXPECT_EQ(near.substr(0, 3000), there.substr(0, 3000)) << sql << "\n" << far_plan(sql);
        EXPECT_TRUE(near == there) << sql;
    }
};

}  // namespace tandem::fdw_test
