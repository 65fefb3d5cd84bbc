// Cost of the Native codec per value and type, next to memcpy of the same bytes.
//
//   ns_per_value     time for one value of the column
//   blocks_per_s     blocks of 65,536 rows, what the server sends
//   of_memcpy        speed as a part of that of memcpy over the encoded bytes, measured in this run
//
// Values are made from a fixed seed.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <random>

#include "clickhouse/codec/block.h"
#include "clickhouse/codec/compress.h"

namespace tandem::clickhouse {
namespace {

using types::Column;

constexpr size_t kRows = 65'536;

void append_any(Column& column, std::mt19937_64& random) {
    if (column.has_nulls() && random() % 10 == 0) return column.append_null();
    switch (column.value_kind()) {
        case types::ChKind::kString: {
            // Few values for dictionaries, otherwise 8 to 23 bytes.
            bool dictionary = column.type->kind == types::ChKind::kLowCardinality;
            std::string value = std::to_string(dictionary ? random() % 1000 : random() >> 32);
            value.append(dictionary ? 2 : random() % 12 + 4, 'x');
            return column.append_string(value);
        }
        case types::ChKind::kArray:
        case types::ChKind::kMap:
            for (size_t i = 0; i < 3; ++i)
                for (Column& child : column.children) append_any(child, random);
            return column.finish_array();
        case types::ChKind::kTuple:
            for (Column& child : column.children) append_any(child, random);
            return column.finish_tuple();
        case types::ChKind::kVariant: {
            auto alternative = static_cast<uint8_t>(random() % column.children.size());
            append_any(column.children[alternative], random);
            return column.finish_variant(alternative);
        }
        default:
            break;
    }
    char* to = column.data.extend(column.value_width());
    for (size_t i = 0; i < column.value_width(); ++i) to[i] = static_cast<char>(random());
    if (column.has_nulls()) column.nulls.push_back(0);
    ++column.rows;
}

types::Block block_of(const char* type) {
    std::mt19937_64 random(1);
    Column column(MUST(types::parse_clickhouse_type(type)));  // from the list below
    while (column.rows < kRows) append_any(column, random);
    types::Block block;
    block.columns.push_back({"value", std::move(column)});
    return block;
}

// Nanoseconds memcpy takes for one block of these bytes: the best of several tries.
double memcpy_ns(std::string_view bytes) {
    types::Bytes to;
    to.resize(bytes.size());
    double best = 1e18;
    for (int i = 0; i < 50; ++i) {
        auto start = std::chrono::steady_clock::now();
        std::memcpy(to.data(), bytes.data(), bytes.size());
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
        std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
        best = std::min(best, took.count());
    }
    return best;
}

// CPU time of the measured loop, so that other work on the machine does not count.
class Stopwatch {
  public:
    void report(benchmark::State& state, std::string_view bytes) const {
        double loop_ns = (now_ns() - start_ns_) / static_cast<double>(state.iterations());
        state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                                static_cast<int64_t>(bytes.size()));
        state.counters["ns_per_value"] = loop_ns / static_cast<double>(kRows);
        state.counters["blocks_per_s"] = 1e9 / loop_ns;
        state.counters["of_memcpy"] = memcpy_ns(bytes) / loop_ns;
    }

  private:
    static double now_ns() {
        timespec now{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
    }
    double start_ns_ = now_ns();
};

void encode(benchmark::State& state, const char* type) {
    types::Block block = block_of(type);
    types::Bytes bytes;
    Stopwatch stopwatch;
    for (auto _ : state) {
        bytes.clear();
        if (!encode_block(block, kRevisionNewest, bytes).ok()) state.SkipWithError("encode");
        benchmark::DoNotOptimize(bytes.data());
    }
    stopwatch.report(state, bytes.view());
}

void decode(benchmark::State& state, const char* type) {
    types::Bytes bytes;
    if (!encode_block(block_of(type), kRevisionNewest, bytes).ok()) state.SkipWithError("encode");
    Stopwatch stopwatch;
    for (auto _ : state) {
        ByteCursor cursor(bytes.view());
        auto block = decode_block(cursor, kRevisionNewest);
        if (!block.ok()) state.SkipWithError("decode");
        benchmark::DoNotOptimize(block);
    }
    stopwatch.report(state, bytes.view());
}

void compress(benchmark::State& state, CompressionMethod method) {
    types::Bytes bytes;
    if (!encode_block(block_of("String"), 0, bytes).ok()) state.SkipWithError("encode");
    types::Bytes frames;
    Stopwatch stopwatch;
    for (auto _ : state) {
        frames.clear();
        if (!compress_frames(method, bytes.view(), frames).ok()) state.SkipWithError("compress");
    }
    stopwatch.report(state, bytes.view());
}

void decompress(benchmark::State& state, CompressionMethod method) {
    types::Bytes bytes;
    types::Bytes frames;
    if (!encode_block(block_of("String"), 0, bytes).ok() ||
        !compress_frames(method, bytes.view(), frames).ok())
        state.SkipWithError("compress");
    types::Bytes back;
    Stopwatch stopwatch;
    for (auto _ : state) {
        back.clear();
        ByteCursor cursor(frames.view());
        while (!cursor.empty())
            if (!decompress_frame(cursor, back).ok()) return state.SkipWithError("decompress");
    }
    stopwatch.report(state, bytes.view());
}

constexpr const char* kTypes[] = {
    "Bool",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Int128",
    "Int256",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt128",
    "UInt256",
    "Float32",
    "Float64",
    "BFloat16",
    "String",
    "FixedString(16)",
    "Date",
    "Date32",
    "DateTime",
    "DateTime64(6)",
    "Time",
    "Time64(3)",
    "Decimal(9, 2)",
    "Decimal(18, 2)",
    "Decimal(38, 2)",
    "Decimal(76, 2)",
    "UUID",
    "IPv4",
    "IPv6",
    "Enum8('a' = 1)",
    "Enum16('a' = 1)",
    "IntervalSecond",
    "Nullable(Int64)",
    "Nullable(String)",
    "LowCardinality(String)",
    "LowCardinality(Nullable(String))",
    "Array(Int64)",
    "Array(String)",
    "Map(String, Int64)",
    "Tuple(Int64, String)",
    "Variant(Int64, String)",
    "Point",
};

void register_all() {
    for (const char* type : kTypes) {
        std::string name = type;
        benchmark::RegisterBenchmark(("encode/" + name).c_str(), encode, type);
        benchmark::RegisterBenchmark(("decode/" + name).c_str(), decode, type);
    }
    using Method = CompressionMethod;
    for (auto [name, method] : {std::pair("none", Method::kNone), std::pair("lz4", Method::kLz4),
                                std::pair("zstd", Method::kZstd)}) {
        benchmark::RegisterBenchmark((std::string("compress/") + name).c_str(), compress, method);
        benchmark::RegisterBenchmark((std::string("decompress/") + name).c_str(), decompress,
                                     method);
    }
}

}  // namespace
}  // namespace tandem::clickhouse

int main(int argc, char** argv) {
    tandem::clickhouse::register_all();
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
