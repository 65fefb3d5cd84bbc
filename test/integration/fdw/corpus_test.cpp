// The router's corpus over foreign tables: the same questions, the same answers, and nearly all of
// them by one query in ClickHouse. By default every fiftieth question, all of them in the long
// run. TANDEM_CORPUS names one file.
#include <cstdlib>
#include <filesystem>
#include <set>

#include "integration/fdw/fdw_fixture.h"
#include "integration/route/corpus.h"

namespace tandem::fdw_test {

namespace {

class FdwCorpus : public FdwTest {
  protected:
    void SetUp() override {
        FdwTest::SetUp();
        if (HasFatalFailure()) return;
        for (const route_test::Entry& entry :
             route_test::entries_of(directory() + "tables.setup")) {
            if (!entry.sql.starts_with("HOLD ")) {
                run(entry.sql);
                continue;
            }
            hold_in_both(entry.sql.substr(5));
            take_far(entry.sql.substr(5));
        }
    }

    static std::string directory() {
        return TANDEM_SOURCE_DIRECTORY "/test/integration/route/corpus/";
    }

    // The rows of two tables are of two types.
    static std::string without_header(const std::string& answer) {
        size_t end = answer.find('\n');
        return end == std::string::npos ? answer : answer.substr(end);
    }

    void compare_rows(const route_test::Entry& entry) {
        std::string near = answer(entry.sql);
        std::string there = far(entry.sql);
        if (!near.starts_with("ERROR")) near = without_header(near);
        if (!there.starts_with("ERROR")) there = without_header(there);
        if (!route_test::is_sorted(entry.sql)) {
            near = route_test::sorted_rows(near);
            there = route_test::sorted_rows(there);
        }
        EXPECT_TRUE(near == there) << entry.sql << "\n--- here\n"
                                   << near.substr(0, 800) << "\n--- there\n"
                                   << there.substr(0, 800) << "\n"
                                   << far_plan(entry.sql).substr(0, 1500);
    }

    void ask_both(const route_test::Entry& entry) {
        if (!entry.setup.empty()) run(entry.setup);
        run("SET tandem.route = off; SET search_path = public");
        // Foreign tables have no primary key, which GROUP BY may count on; money is refused.
        std::string plan = far("EXPLAIN " + entry.sql);
        bool refused = plan.starts_with("ERROR HV004") && plan.find("money") != std::string::npos;
        if (plan.starts_with("ERROR 42803") || refused) return;
        compare_rows(entry);
        ++asked_;
        bool whole = is_whole(entry.sql);
        whole_ += whole ? 1 : 0;
        if (entry.expected == "routed" && !whole) local_.push_back(entry.sql);
        routed_ += entry.expected == "routed" ? 1 : 0;
    }

    int asked_ = 0;
    int whole_ = 0;
    int routed_ = 0;
    std::vector<std::string> local_;
};

TEST_F(FdwCorpus, is_answered_like_postgres) {
    const char* only = std::getenv("TANDEM_CORPUS");
    size_t step = only != nullptr || std::getenv("TANDEM_BUDGET_SECONDS") != nullptr ? 1 : 50;
    size_t number = 0;
    std::set<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(directory()))
        if (file.path().extension() == ".sql") files.insert(file.path());
    for (const std::string& file : files) {
        if (only != nullptr && file != only) continue;
        for (const route_test::Entry& entry : route_test::entries_of(file)) {
            // What is prepared has found its tables already.
            bool prepared = entry.setup.find("PREPARE") != std::string::npos ||
                            entry.sql.starts_with("EXECUTE");
            if (!prepared && number++ % step == 0) ask_both(entry);
        }
        run(route_test::kAfresh);
    }
    std::cout << whole_ << " of " << asked_ << " queries of the corpus are one remote query\n";
    for (const std::string& sql : local_) std::cout << "in parts: " << sql << "\n";
    // Parts of documents are computed here, and names in "public" are those of local tables. The
    // few questions of every run are no measure of all, only of something being broken.
    EXPECT_GE(whole_ * 100, routed_ * (step == 1 ? 80 : 60));
}

}  // namespace

}  // namespace tandem::fdw_test
