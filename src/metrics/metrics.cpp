// One registry for the process. A family is made when the first mirror asks for it; prometheus-cpp
// gives the same object for the same labels, so handles need no bookkeeping of ours.
#include "metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <set>

#include "base/mutex.h"

namespace tandem::metrics {
namespace {

using Labels = std::map<std::string, std::string>;

constexpr const char* kErrors = "tandem_errors_total";
constexpr const char* kErrorsHelp =
    "Errors the mirror has met, by code (docs/reference/errors.md). Those that pass by themselves "
    "are "
    "counted too; a code that keeps growing is in the log.";

struct Shared {
    Mutex mutex;
    prometheus::Registry registry;
    // Codes that were counted per mirror, to remove them with it.
    std::map<std::string, std::set<std::string>> codes TANDEM_GUARDED_BY(mutex);
};

Shared& shared() {
    static Shared instance;
    return instance;
}

prometheus::Family<prometheus::Counter>& counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(shared().registry);
}
prometheus::Family<prometheus::Gauge>& gauges(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(shared().registry);
}
prometheus::Family<prometheus::Histogram>& histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(shared().registry);
}

// Steps of about 2.5: enough to see where the 95th percentile lies.
const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
const prometheus::Histogram::BucketBoundaries kRows = {1,     10,     100,     1000,
                                                       10000, 100000, 1000000, 10000000};
const prometheus::Histogram::BucketBoundaries kBytes = {1024,     16384,     262144,    1048576,
                                                        16777216, 268435456, 4294967296};

constexpr StatusMetric kStatusMetrics[] = {
#define TANDEM_COUNTER(...)
#define TANDEM_GAUGE(...)
#define TANDEM_HISTOGRAM(...)
#define TANDEM_STATUS(kind, name, rows_, member, help) \
    {StatusMetric::Kind::kind, name, #rows_, member, help},
#include "metrics/metrics.def"
#undef TANDEM_COUNTER
#undef TANDEM_GAUGE
#undef TANDEM_HISTOGRAM
#undef TANDEM_STATUS
};

prometheus::ClientMetric to_client(const Sample& sample) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
    if (sample.metric->kind == StatusMetric::Kind::counter)
        metric.counter.value = sample.value;
    else
        metric.gauge.value = sample.value;
    return metric;
}

}  // namespace

void Counter::add(uint64_t count) {
    at_->Increment(static_cast<double>(count));
}
double Counter::value() const {
    return at_->Value();
}
void Gauge::set(uint64_t value) {
    at_->Set(static_cast<double>(value));
}
void Histogram::observe(double value) {
    at_->Observe(value);
}

MirrorMetrics::MirrorMetrics(const std::string& mirror)
    :
#define TANDEM_COUNTER(member, name, help) member(&counters(name, help).Add({{"mirror", mirror}})),
#define TANDEM_GAUGE(member, name, help) member(&gauges(name, help).Add({{"mirror", mirror}})),
#define TANDEM_HISTOGRAM(member, buckets, name, help) \
    member(&histograms(name, help).Add({{"mirror", mirror}}, buckets)),
#define TANDEM_STATUS(...)
#include "metrics/metrics.def"
#undef TANDEM_COUNTER
#undef TANDEM_GAUGE
#undef TANDEM_HISTOGRAM
#undef TANDEM_STATUS
      end_of_the_table(0) {
}

MirrorMetrics of_mirror(const std::string& mirror) {
    return MirrorMetrics(mirror);
}

void count_error(const std::string& mirror, std::string_view code) {
    Shared& all = shared();
    MutexLock lock(all.mutex);
    all.codes[mirror].insert(std::string(code));
    counters(kErrors, kErrorsHelp)
        .Add({{"mirror", mirror}, {"code", std::string(code)}})
        .Increment();
}

void forget_mirror(const std::string& mirror) {
    Labels labels = {{"mirror", mirror}};
#define TANDEM_COUNTER(member, name, help) \
    counters(name, help).Remove(&counters(name, help).Add(labels));
#define TANDEM_GAUGE(member, name, help) gauges(name, help).Remove(&gauges(name, help).Add(labels));
#define TANDEM_HISTOGRAM(member, buckets, name, help) \
    histograms(name, help).Remove(&histograms(name, help).Add(labels, buckets));
#define TANDEM_STATUS(...)
#include "metrics/metrics.def"
#undef TANDEM_COUNTER
#undef TANDEM_GAUGE
#undef TANDEM_HISTOGRAM
#undef TANDEM_STATUS
    Shared& all = shared();
    MutexLock lock(all.mutex);
    auto& errors = counters(kErrors, kErrorsHelp);
    for (const std::string& code : all.codes[mirror])
        errors.Remove(&errors.Add({{"mirror", mirror}, {"code", code}}));
    all.codes.erase(mirror);
}

std::span<const StatusMetric> status_metrics() {
    return kStatusMetrics;
}

std::string to_text(std::span<const Sample> samples) {
    std::vector<prometheus::MetricFamily> families = shared().registry.Collect();
    for (const StatusMetric& metric : kStatusMetrics) {
        bool counts = metric.kind == StatusMetric::Kind::counter;
        prometheus::MetricFamily family;
        family.name = metric.name;
        family.help = metric.help;
        family.type = counts ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
        for (const Sample& sample : samples)
            if (sample.metric == &metric) family.metric.push_back(to_client(sample));
        if (!family.metric.empty()) families.push_back(std::move(family));
    }
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tandem::metrics
