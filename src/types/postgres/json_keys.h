// Members of jsonb documents as columns of their own, with exactly the result of Postgres' ->>.
//
// Reads the text of a jsonb as Postgres writes it, which is canonical: every key once, escaped in
// one way only, ", " and ": " and no other blank. Two columns a key: its text, and what it is of,
// which tells NULL from absent and answers `?`. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "types/clickhouse/column.h"

namespace tandem::types {

// Values of the second column. They are stored: never change a number.
enum class JsonKind : uint8_t {
    kAbsent = 0,
    kNull = 1,
    kString = 2,
    kNumber = 3,
    kBoolean = 4,
    kObject = 5,
    kArray = 6,
    kElement = 7,     // the document is no object, but the text itself, or an array that has it
    kNoDocument = 8,  // SQL NULL
};

// How a key, or any text, stands between quotes in a jsonb.
std::string json_escaped(std::string_view text);

class JsonKeys {
  public:
    static constexpr size_t kMax = 64;  // keys of one document

    explicit JsonKeys(std::span<const std::string> keys);

    struct Member {
        JsonKind kind = JsonKind::kAbsent;
        std::string_view text;  // of a string what stands between its quotes
    };
    // What the document has of each key. False: it is not the text of a jsonb. An empty one has
    // nothing.
    bool read(std::string_view document);
    std::span<const Member> members() const { return members_; }
    // SQL NULL.
    void read_null();

  private:
    bool read_object(std::string_view document);
    bool read_array(std::string_view document);
    void note(std::string_view key, JsonKind kind, std::string_view text);
    size_t slot_of(std::string_view key) const;

    static constexpr uint8_t kNone = 0xff;
    std::vector<std::string> keys_;  // escaped
    std::vector<Member> members_;
    std::array<uint8_t, 256> first_;  // by slot: the first key of it
    std::vector<uint8_t> next_;       // and those behind
    size_t found_ = 0;
};

// The member as ->> has it: NULL where it is absent or null. `texts` is Nullable(String), of low
// cardinality or not; `kinds` is UInt8. False: a string is not escaped as in a jsonb.
bool append_member(const JsonKeys::Member& member, Column& texts, Column& kinds);

}  // namespace tandem::types
