// Time per change of the pgoutput decoder and per row of the COPY binary reader, on one core.
//
// Rows of eight columns, about 80 bytes, as a small order table has them. Run it alone:
// build/release/src/postgres/postgres_decoder_bench
#include <benchmark/benchmark.h>

#include "postgres/decoder/copy_binary.h"
#include "postgres/decoder/pgoutput.h"
#include "postgres/decoder/replication_message.h"
#include "postgres/decoder/test_encoder.h"

namespace tandem::postgres {
namespace {

using testing::Wire;

std::vector<Wire::Value> row() {
    std::string eight(8, '\1');
    return {
        {'b', eight}, {'b', eight}, {'b', "a text of some length"}, {'n', ""},
        {'b', eight}, {'b', "\1"},  {'b', std::string(10, '\2')},   {'b', std::string(4, '\3')}};
}

void decode_all(benchmark::State& state, const std::string& payload) {
    std::string copy_data = Wire::message('w').u64(1).u64(2).i64(3).raw(payload).str();
    PgoutputDecoder decoder(3);
    for ([[maybe_unused]] auto unused : state) {
        auto envelope = decode_replication_message(copy_data);
        auto message = decoder.decode(std::get<XLogData>(*envelope).payload);
        benchmark::DoNotOptimize(message);
    }
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(copy_data.size()));
}

void pgoutput_insert(benchmark::State& state) {
    decode_all(state, Wire::message('I').u32(7).tuple('N', row()).str());
}
BENCHMARK(pgoutput_insert);

void pgoutput_update_full(benchmark::State& state) {
    decode_all(state, Wire::message('U').u32(7).tuple('O', row()).tuple('N', row()).str());
}
BENCHMARK(pgoutput_update_full);

std::string copy_row() {
    Wire wire = Wire().u16(8);
    for (const Wire::Value& value : row())
        value.kind == 'n' ? wire.u32(0xFFFFFFFF) : wire.counted(value.text);
    return wire.str();
}

// One row per chunk, as libpq gives them.
void copy_binary_row_per_chunk(benchmark::State& state) {
    CopyBinaryReader reader;
    std::string header = testing::copy_header();
    std::string bytes = copy_row();
    benchmark::DoNotOptimize(reader.feed(header).ok() && reader.next().ok());
    for ([[maybe_unused]] auto unused : state) {
        bool good = reader.feed(bytes).ok();
        auto row_step = reader.next();
        auto end_step = reader.next();
        benchmark::DoNotOptimize(good && row_step.ok() && end_step.ok());
    }
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(copy_binary_row_per_chunk);

// Chunks of 64 KiB that cut rows anywhere, as a file or a socket gives them.
void copy_binary_large_chunks(benchmark::State& state) {
    constexpr size_t kRows = 1000;
    std::string bytes;
    for (size_t i = 0; i < kRows; ++i) bytes += copy_row();
    CopyBinaryReader reader;
    benchmark::DoNotOptimize(reader.feed(testing::copy_header()).ok() && reader.next().ok());
    for ([[maybe_unused]] auto unused : state) {
        std::string_view left = bytes;
        while (!left.empty()) {
            std::string_view chunk = left.substr(0, 65'537);
            left.remove_prefix(chunk.size());
            benchmark::DoNotOptimize(reader.feed(chunk).ok());
            while (*reader.next() == CopyBinaryReader::Step::row) benchmark::ClobberMemory();
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kRows));
    state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(copy_binary_large_chunks);

}  // namespace
}  // namespace tandem::postgres

BENCHMARK_MAIN();
