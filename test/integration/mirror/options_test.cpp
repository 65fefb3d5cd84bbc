// A mirror's own options: which are taken, and that they hold for it alone.
#include "integration/mirror/mirror_fixture.h"

namespace tandem::test {
namespace {

class MirrorOptions : public MirrorFixture {
  protected:
    bool eventually_in_clickhouse(const std::string& query, const std::string& expected) {
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (std::chrono::steady_clock::now() < deadline)
            if (ch_value(query) == expected) return true;
        return false;
    }
};

TEST_F(MirrorOptions, hold_for_one_mirror_and_can_be_changed) {
    sql("CREATE TABLE quick (id int PRIMARY KEY); CREATE TABLE slow (id int PRIMARY KEY)");
    mirror("quick", "ARRAY['public.quick']");
    sql("SELECT tandem.create_mirror('slow', ARRAY['public.slow'], "
        "'{\"flush_age_ms\": 3600000, \"batch_age_ms\": 3600000, \"database\": \"lazy\"}')");
    sql("SELECT tandem.wait_until_live('slow', '40s')");
    // The end of the load asks for haste, which the first batch uses up.
    sql("INSERT INTO slow VALUES (1)");
    sql("SELECT tandem.wait_for('slow')");
    sql("INSERT INTO slow VALUES (2)");
    sql("INSERT INTO quick VALUES (1)");
    // Nobody waits for these two, so only their age closes the batches.
    EXPECT_TRUE(eventually_in_clickhouse("SELECT count() FROM tandem.quick", "(1)"));
    EXPECT_EQ(ch_value("SELECT count() FROM lazy.slow"), "(1)");
    sql("SELECT tandem.alter_mirror('slow', '{\"flush_age_ms\": 1, \"batch_age_ms\": null}')");
    EXPECT_EQ(value("SELECT options FROM tandem.mirror WHERE name = 'slow'"),
              R"({"database": "lazy", "flush_age_ms": 1})");
    EXPECT_TRUE(eventually_in_clickhouse("SELECT count() FROM lazy.slow", "(2)"));
    expect_equal("slow");
    ch("DROP DATABASE lazy SYNC");
    ch("DROP DATABASE lazy_rows SYNC");
}

TEST_F(MirrorOptions, are_refused_when_they_are_none_or_out_of_bounds) {
    sql("CREATE TABLE kept (id int PRIMARY KEY)");
    for (const char* options :
         {R"({"batch_row": 1})", R"({"batch_rows": 0})", R"({"batch_rows": "many"})",
          R"({"snapshot_workers": 65})", R"({"batch_rows": 1.5})"}) {
        auto refused = source().execute(std::string("SELECT tandem.create_mirror('m', "
                                                    "ARRAY['public.kept'], '") +
                                        options + "')");
        ASSERT_FALSE(refused.ok()) << options;
        EXPECT_EQ(refused.error().sqlstate(), "22023") << options;
    }
    mirror("m", "ARRAY['public.kept']");
    EXPECT_FALSE(source().execute("SELECT tandem.alter_mirror('m', '{\"database\": \"x\"}')").ok());
}

}  // namespace
}  // namespace tandem::test
