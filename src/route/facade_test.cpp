// Every allocation of a translation is made to fail once: nothing may escape or leak.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "route/tree/test_tree.h"

namespace {
thread_local long g_fail_after = -1;  // -1: never
}

void* operator new(std::size_t size) {
    if (g_fail_after == 0) throw std::bad_alloc();
    if (g_fail_after > 0) --g_fail_after;
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    if (g_fail_after == 0) return nullptr;
    if (g_fail_after > 0) --g_fail_after;
    return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace tandem::route {
namespace {

TEST(facade, turns_every_failed_allocation_into_a_failure) {
    test_tree::Tree tree;
    const tandem::route::Expr* key = tree.op("->>", oid::kText, tree.col(5), tree.text("tier"));
    tree.select({tree.col(2), tree.aggregate("count", oid::kInt8),
                 tree.aggregate("avg", oid::kNumeric, {tree.col(3)})});
    tree.query.where = tree.op("=", oid::kBool, key, tree.text("premium"));
    tree.group_by({tree.col(2)}).order_by(tree.col(2));
    const Query& query = tree.build();
    Translation* translation = nullptr;
    long failures = 0;
    while (translation == nullptr && failures < 100000) {
        Failure failure = {};
        g_fail_after = failures;
        translation = translate(query, {}, &failure);
        g_fail_after = -1;
        if (translation != nullptr) break;
        ASSERT_STREQ(failure.code, "out_of_memory");
        ASSERT_STREQ(failure.sqlstate, "53200");
        ++failures;
    }
    EXPECT_NE(translation, nullptr);
    EXPECT_GT(failures, 10);
    translation_free(translation);
    translation_free(nullptr);
}

}  // namespace
}  // namespace tandem::route
