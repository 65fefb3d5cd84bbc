// Metrics: what the daemon counts, for Prometheus. The rows are in metrics.def; adding one there is
// all it takes to have a handle.
//
// A handle counts without a lock and may be used by any thread. The numbers of a mirror are kept
// until forget_mirror(), so that a mirror that starts again goes on counting. Extension and
// libraries of values count nothing here: this is for processes that a console serves.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace tandem::metrics {

class Counter {
  public:
    explicit Counter(prometheus::Counter* at) : at_(at) {}
    void add(uint64_t count = 1);
    double value() const;

  private:
    prometheus::Counter* at_;
};

class Gauge {
  public:
    explicit Gauge(prometheus::Gauge* at) : at_(at) {}
    void set(uint64_t value);

  private:
    prometheus::Gauge* at_;
};

class Histogram {
  public:
    explicit Histogram(prometheus::Histogram* at) : at_(at) {}
    void observe(double value);

  private:
    prometheus::Histogram* at_;
};

// The numbers of one mirror.
struct MirrorMetrics {
    explicit MirrorMetrics(const std::string& mirror);
#define TANDEM_COUNTER(member, ...) Counter member;
#define TANDEM_GAUGE(member, ...) Gauge member;
#define TANDEM_HISTOGRAM(member, ...) Histogram member;
#define TANDEM_STATUS(...)
#include "metrics/metrics.def"
#undef TANDEM_COUNTER
#undef TANDEM_GAUGE
#undef TANDEM_HISTOGRAM
#undef TANDEM_STATUS
    const char end_of_the_table = 0;
};

// The same for the same name.
MirrorMetrics of_mirror(const std::string& mirror);
// Errors by the stable code of errors.def, as tandem_errors_total{mirror, code}.
void count_error(const std::string& mirror, std::string_view code);
// A mirror that was dropped. Its handles must not be used any more.
void forget_mirror(const std::string& mirror);

// A row of metrics.def that is read when somebody asks.
struct StatusMetric {
    enum class Kind { counter, gauge };
    Kind kind;
    const char* name;
    const char* rows;
    const char* member;
    const char* help;
};
std::span<const StatusMetric> status_metrics();

struct Sample {
    const StatusMetric* metric = nullptr;
    std::vector<std::pair<std::string, std::string>> labels = {};
    double value = 0;
};

// Everything that is counted, and the samples, in Prometheus' text format.
std::string to_text(std::span<const Sample> samples);

}  // namespace tandem::metrics
