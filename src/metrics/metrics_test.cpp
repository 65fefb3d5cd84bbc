#include "metrics/metrics.h"

#include <gtest/gtest.h>

#include <set>

namespace tandem::metrics {
namespace {

TEST(metrics, go_on_counting_for_the_same_mirror) {
    of_mirror("again").batches.add(2);
    of_mirror("again").batches.add();
    EXPECT_EQ(of_mirror("again").batches.value(), 3);
    EXPECT_EQ(of_mirror("other").batches.value(), 0);
}

TEST(metrics, become_text_with_labels_and_buckets) {
    MirrorMetrics shop = of_mirror("shop");
    shop.stream_bytes.add(7);
    shop.open_bytes.set(5);
    shop.apply_seconds.observe(0.02);
    count_error("shop", "connection_lost");
    std::string text = to_text({});
    for (const char* line : {"tandem_stream_bytes_total{mirror=\"shop\"} 7",
                             "tandem_batch_open_bytes{mirror=\"shop\"} 5",
                             "tandem_batch_apply_seconds_bucket{mirror=\"shop\",le=\"0.025\"} 1",
                             "tandem_batch_apply_seconds_count{mirror=\"shop\"} 1",
                             "tandem_errors_total{code=\"connection_lost\",mirror=\"shop\"} 1",
                             "# TYPE tandem_batches_total counter"})
        EXPECT_NE(text.find(line), std::string::npos) << line << " is not in\n" << text;
}

TEST(metrics, of_a_dropped_mirror_are_gone) {
    of_mirror("gone").inserts.add();
    count_error("gone", "timeout");
    forget_mirror("gone");
    EXPECT_EQ(to_text({}).find("gone"), std::string::npos);
}

TEST(metrics, have_samples_of_the_catalog_among_them) {
    const StatusMetric* lag = nullptr;
    std::set<std::string_view> names;
    for (const StatusMetric& metric : status_metrics()) {
        EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
        if (std::string_view(metric.name) == "tandem_mirror_lag_bytes") lag = &metric;
    }
    ASSERT_NE(lag, nullptr);
    Sample sample{.metric = lag, .labels = {{"mirror", "a\"b\n"}}, .value = 5};
    std::string text = to_text({&sample, 1});
    EXPECT_NE(text.find("tandem_mirror_lag_bytes{mirror=\"a\\\"b\\n\"} 5"), std::string::npos)
        << text;
    EXPECT_EQ(text.find("tandem_mirror_slot_active"), std::string::npos);
}

}  // namespace
}  // namespace tandem::metrics
