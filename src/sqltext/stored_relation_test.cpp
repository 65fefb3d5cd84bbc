#include "sqltext/stored_relation.h"

#include <gtest/gtest.h>

#include <vector>

namespace tandem::sqltext {
namespace {

struct StoredRelationTest : testing::Test {
    StoredRelationTest() {
        relation_.database = "d_rows";
        relation_.main = "t";
        relation_.delta = "_tandem_delta_t";
        relation_.keys = keys_;
        relation_.columns = columns_;
        relation_.position = "100";
    }
    bool says(std::string_view text) const {
        return stored_relation(relation_).find(text) != std::string::npos;
    }

    const std::vector<std::string> keys_ = {"id"};
    const std::vector<std::string> columns_ = {"id", "v"};
    StoredRelation relation_;
};

TEST_F(StoredRelationTest, reads_main_alone_while_the_delta_is_empty) {
    relation_.delta_empty = true;
    EXPECT_FALSE(says("_tandem_delta_t"));
    EXPECT_TRUE(says("_tandem_from < 100"));
}

TEST_F(StoredRelationTest, leaves_out_what_a_cut_removed) {
    LeafSeen cut{7, 50, false, false};
    relation_.leaves = std::span(&cut, 1);
    EXPECT_TRUE(says("AND NOT (_tandem_leaf = 7 AND _tandem_from < 50 AND 50 < 100)"));
    EXPECT_FALSE(says(" OR "));
}

TEST_F(StoredRelationTest, hears_of_loaded_rows_only_what_came_after_their_load) {
    LeafSeen cut{7, 50, false, true};
    relation_.leaves = std::span(&cut, 1);
    EXPECT_TRUE(says("OR _tandem_leaf = 7 AND _tandem_from = 50 AND"));
    EXPECT_TRUE(says("AND (_tandem_from > 50 OR _tandem_leaf = 7)"));
}

TEST_F(StoredRelationTest, sees_nothing_of_a_leaf_that_loads) {
    LeafSeen cut{7, 50, true, false};
    relation_.leaves = std::span(&cut, 1);
    EXPECT_TRUE(says("AND NOT _tandem_leaf = 7"));
    EXPECT_FALSE(says(" OR "));
}

}  // namespace
}  // namespace tandem::sqltext
