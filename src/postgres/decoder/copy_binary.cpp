#include "postgres/decoder/copy_binary.h"

#include "base/bytes.h"

namespace tandem::postgres {
namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
constexpr size_t kHeaderBytes = 11 + 4 + 4;
constexpr uint32_t kHasOids = 1u << 16;  // rows begin with an OID; gone since Postgres 12
constexpr uint32_t kCriticalFlags = 0xFFFF0000u;
constexpr int16_t kTrailer = -1;

Error malformed(std::string what) {
    return Error(ErrorCode::kMalformedData, "COPY data: " + std::move(what));
}

}  // namespace

Status CopyBinaryReader::feed(std::string_view chunk) {
    TANDEM_ASSERT(input_.empty() || input_is_carry_, "feed() before next() said need_more");
    if (chunk.empty()) return {};
    if (state_ == State::ended) return malformed("bytes after the trailer");
    if (carry_.empty()) {
        input_ = chunk;
        input_is_carry_ = false;
    } else {
        carry_.append(chunk);
        input_ = carry_;
        input_is_carry_ = true;
    }
    return {};
}

Result<CopyBinaryReader::Step> CopyBinaryReader::next() {
    if (state_ == State::ended) return Step::end;
    // Without this a row of many chunks would be looked at again for each of them.
    if (input_.size() < wanted_) return short_of(wanted_);
    wanted_ = 0;
    if (state_ == State::header) {
        Step step = TRY(parse_header());
        if (step == Step::need_more) return step;
    }
    return parse_row();
}

Status CopyBinaryReader::finish() const {
    if (state_ == State::ended) return {};
    return malformed("the stream ended without its trailer, after " + std::to_string(rows_read_) +
                     " rows");
}

// The rest of the input is the beginning of something that needs `wanted` bytes: keep it.
Result<CopyBinaryReader::Step> CopyBinaryReader::short_of(size_t wanted) {
    if (wanted > limits_.row_bytes)
        return Error(ErrorCode::kLimitExceeded, "COPY data: row " + std::to_string(rows_read_ + 1) +
                                                    " needs " + std::to_string(wanted) +
                                                    " bytes, the limit is " +
                                                    std::to_string(limits_.row_bytes));
    wanted_ = wanted;
    if (input_is_carry_) {
        carry_.erase(0, carry_.size() - input_.size());
    } else {
        carry_.assign(input_);
    }
    input_ = carry_;
    input_is_carry_ = true;
    return Step::need_more;
}

Result<CopyBinaryReader::Step> CopyBinaryReader::parse_header() {
    if (input_.size() < kHeaderBytes) return short_of(kHeaderBytes);
    if (!input_.starts_with(kSignature)) return malformed("no signature");
    auto flags = load_big<uint32_t>(input_.data() + 11);
    if ((flags & kHasOids) != 0) return malformed("rows with OIDs are not supported");
    if ((flags & kCriticalFlags) != 0)
        return malformed("unknown critical flags " + std::to_string(flags));
    size_t extension = load_big<uint32_t>(input_.data() + 15);
    if (extension > limits_.header_extension_bytes)
        return malformed("header extension of " + std::to_string(extension) + " bytes");
    if (input_.size() < kHeaderBytes + extension) return short_of(kHeaderBytes + extension);
    input_.remove_prefix(kHeaderBytes + extension);
    state_ = State::rows;
    return Step::row;
}

Result<CopyBinaryReader::Step> CopyBinaryReader::parse_row() {
    if (input_.size() < sizeof(int16_t)) return short_of(sizeof(int16_t));
    auto count = load_big<int16_t>(input_.data());
    if (count == kTrailer) {
        if (input_.size() != sizeof(int16_t)) return malformed("bytes after the trailer");
        state_ = State::ended;
        input_ = {};
        fields_.clear();
        return Step::end;
    }
    if (limits_.columns < 0) limits_.columns = count;
    if (count < 0 || count != limits_.columns)
        return malformed("row " + std::to_string(rows_read_ + 1) + " has " + std::to_string(count) +
                         " fields instead of " + std::to_string(limits_.columns));
    return parse_fields(count);
}

Result<CopyBinaryReader::Step> CopyBinaryReader::parse_fields(int count) {
    const char* begin = input_.data();
    const char* end = begin + input_.size();
    const char* at = begin + sizeof(int16_t);
    fields_.resize(static_cast<size_t>(count));
    for (CopyField& field : fields_) {
        if (end - at < 4) [[unlikely]]
            return short_of(static_cast<size_t>(at - begin) + 4);
        auto size = load_big<int32_t>(at);
        at += 4;
        field = CopyField(at, size);
        if (size <= 0) {
            if (size < -1) return malformed("field of " + std::to_string(size) + " bytes");
            continue;
        }
        if (end - at < size) [[unlikely]]
            return short_of(static_cast<size_t>(at - begin) + static_cast<size_t>(size));
        at += size;
    }
    input_.remove_prefix(static_cast<size_t>(at - begin));
    ++rows_read_;
    return Step::row;
}

}  // namespace tandem::postgres
