// COPY binary: any bytes give rows or an error, and the same ones however the bytes are cut.
//
// Input: u8 size of the chunks, then the stream.
#include <cstdlib>
#include <string>
#include <vector>

#include "postgres/decoder/copy_binary.h"

namespace tandem::postgres {
namespace {

constexpr size_t kRowBytesMax = 1 << 16;

struct Outcome {
    std::vector<std::string> fields;
    bool failed = false;
    bool operator==(const Outcome&) const = default;
};

bool take_rows(CopyBinaryReader& reader, Outcome& outcome) {
    while (true) {
        auto step = reader.next();
        if (!step.ok()) return false;
        if (*step != CopyBinaryReader::Step::row) return true;
        for (const CopyField& field : reader.row())
            outcome.fields.push_back(field.is_null() ? "NULL" : "=" + std::string(field.bytes()));
    }
}

Outcome read(std::string_view stream, size_t chunk_size) {
    CopyBinaryReader reader({.columns = -1, .row_bytes = kRowBytesMax});
    Outcome outcome;
    while (!stream.empty()) {
        std::string chunk(stream.substr(0, chunk_size));
        stream.remove_prefix(chunk.size());
        if (!reader.feed(chunk).ok() || !take_rows(reader, outcome)) {
            outcome.failed = true;
            return outcome;
        }
    }
    outcome.failed = !reader.finish().ok();
    return outcome;
}

}  // namespace
}  // namespace tandem::postgres

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using tandem::postgres::read;
    if (size == 0) return 0;
    std::string stream("PGCOPY\n\377\r\n\0", 11);
    stream.append(8, '\0');
    stream.append(reinterpret_cast<const char*>(data) + 1, size - 1);
    size_t chunk_size = data[0] == 0 ? 1 : data[0];
    auto whole = read(stream, stream.size());
    auto cut = read(stream, chunk_size);
    if (whole != cut) std::abort();
    // Without the header put in front: the header itself is foreign, too.
    read(std::string_view(reinterpret_cast<const char*>(data), size), chunk_size);
    return 0;
}
