#include "mirror/store/key_set.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tandem::mirror {
namespace {

TEST(key_set, holds_what_was_put_until_its_generation_is_forgotten) {
    std::mt19937_64 random(1);
    KeySet keys;
    std::map<uint64_t, uint32_t> model;
    for (uint32_t generation = 1; generation <= 40; ++generation) {
        for (int i = 0; i < 200; ++i) {
            uint64_t hash = random() % 1500;  // 0 too, which marks a free slot inside
            keys.put(hash, generation);
            model[hash] = generation;
        }
        if (generation % 7 != 0) continue;
        keys.forget_up_to(generation - 3);
        std::erase_if(model, [&](const auto& item) { return item.second <= generation - 3; });
        for (uint64_t hash = 1; hash < 1500; ++hash)
            ASSERT_EQ(keys.contains(hash), model.contains(hash)) << hash;
    }
    keys.forget_up_to(40);
    EXPECT_EQ(keys.size(), 0U);
    EXPECT_FALSE(keys.contains(5));
}

}  // namespace
}  // namespace tandem::mirror
