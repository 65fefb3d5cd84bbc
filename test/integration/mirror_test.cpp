// The mirror between a real Postgres and a real ClickHouse.
#include "integration/mirror_fixture.h"

namespace tandem::test {
namespace {

class mirror_on_real_servers : public MirrorFixture {};

TEST_F(mirror_on_real_servers, loads_and_follows_a_table) {
    sql("CREATE TABLE item (id int PRIMARY KEY, name text, n bigint)");
    sql("INSERT INTO item SELECT i, 'name ' || i, i * 10 FROM generate_series(1, 10000) i");
    mirror("m", "'item'");
    EXPECT_EQ(ch_value("SELECT count(), sum(n) FROM tandem.item"), "(10000,500050000)");
    sql("INSERT INTO item VALUES (20000, 'new', NULL)");
    sql("UPDATE item SET name = 'changed' WHERE id = 5");
    sql("DELETE FROM item WHERE id = 6");
    sql("UPDATE item SET id = 30000 WHERE id = 7");
    wait("m");
    EXPECT_EQ(
        ch_value("SELECT id, name, n FROM tandem.item WHERE id IN (5,6,7,20000,30000) ORDER BY id"),
        "(5,'changed',50) (20000,'new',NULL) (30000,'name 7',70)");
    EXPECT_EQ(ch_value("SELECT count() FROM tandem.item"), "(10000)");
}

}  // namespace
}  // namespace tandem::test
