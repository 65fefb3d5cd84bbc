// Leases of two daemons on a real Postgres. What a silent daemon may still write is a fault test's
// business.
#include "control/leases.h"

#include <gtest/gtest.h>

#include "base/back_off.h"
#include "postgres/client/connection.h"
#include "support/servers.h"

namespace tandem::control {
namespace {

class LeasesTest : public testing::Test {
  protected:
    void SetUp() override {
        auto postgres = test_support::TestPostgres::start();
        ASSERT_TRUE(postgres.ok()) << postgres.error().to_string();
        postgres_ = *std::move(postgres);
        one_ = MUST(Leases::open(postgres_->conninfo()));
        two_ = MUST(Leases::open(postgres_->conninfo()));
    }
    static bool takes(Leases& leases, int mirror) {
        auto taken = leases.take(mirror);
        EXPECT_TRUE(taken.ok()) << (taken.ok() ? "" : taken.error().to_string());
        return taken.ok() && *taken;
    }
    static bool eventually_takes(Leases& leases, int mirror) {
        for (int i = 0; i < 400; ++i) {
            if (takes(leases, mirror)) return true;
            back_off(std::chrono::milliseconds(25));
        }
        return false;
    }

    std::unique_ptr<test_support::TestPostgres> postgres_;
    std::unique_ptr<Leases> one_, two_;
};

TEST_F(LeasesTest, belong_to_one_daemon_at_a_time) {
    EXPECT_TRUE(takes(*one_, 1));
    EXPECT_TRUE(takes(*one_, 1)) << "it has it already";
    EXPECT_FALSE(takes(*two_, 1));
    EXPECT_TRUE(takes(*two_, 2)) << "another mirror";
    EXPECT_FALSE(takes(*one_, 2));
}

TEST_F(LeasesTest, go_to_another_when_their_daemon_ends) {
    ASSERT_TRUE(takes(*one_, 1));
    one_.reset();
    EXPECT_TRUE(eventually_takes(*two_, 1));
}

TEST_F(LeasesTest, are_lost_with_the_connection_and_never_believed_again) {
    ASSERT_TRUE(takes(*one_, 1));
    auto admin = MUST(postgres::Connection::open({.conninfo = postgres_->conninfo()}));
    ASSERT_TRUE(
        admin.execute("SELECT pg_terminate_backend(" + std::to_string(one_->backend()) + ")").ok());
    EXPECT_TRUE(eventually_takes(*two_, 1));
    for (int i = 0; i < 400 && !one_->lost(); ++i) back_off(std::chrono::milliseconds(25));
    EXPECT_TRUE(one_->lost());
    EXPECT_FALSE(one_->take(1).ok());
}

}  // namespace
}  // namespace tandem::control
