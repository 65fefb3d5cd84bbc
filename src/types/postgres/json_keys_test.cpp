// What jsonb texts hold at keys. The expected values are written by hand; that Postgres agrees on
// random documents is shown by test/integration/mirror/json_test.cpp.
#include "types/postgres/json_keys.h"

#include <gtest/gtest.h>

namespace tandem::types {
namespace {

using Kind = JsonKind;

struct Held {
    Kind kind;
    std::string text;  // "(null)" for NULL
    bool operator==(const Held&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Held& held) {
    return out << static_cast<int>(held.kind) << ": " << held.text;
}

std::vector<Held> held(std::vector<std::string> keys, std::string_view document) {
    JsonKeys reader(keys);
    EXPECT_TRUE(reader.read(document)) << document;
    std::vector<Held> result;
    for (const JsonKeys::Member& member : reader.members()) {
        Column texts(MUST(parse_clickhouse_type("LowCardinality(Nullable(String))")));
        Column kinds(MUST(parse_clickhouse_type("UInt8")));
        EXPECT_TRUE(append_member(member, texts, kinds)) << document;
        result.push_back({static_cast<Kind>(kinds.fixed<uint8_t>(0)),
                          texts.is_null(0) ? "(null)" : std::string(texts.string(0))});
    }
    return result;
}

Held one(const std::string& key, std::string_view document) {
    return held({key}, document)[0];
}

TEST(json_keys, are_given_as_postgres_gives_them) {
    struct Case {
        std::string key;
        std::string_view document;
        Held expected;
    };
    const Case cases[] = {
        {"a", R"({"a": "x"})", {Kind::kString, "x"}},
        {"a", R"({"a": ""})", {Kind::kString, ""}},
        {"a",
         R"({"a": "q\"\\/\b\f\n\r\t\u0001\u001fé\u007f"})",
         {Kind::kString, "q\"\\/\b\f\n\r\t\x01\x1fé\x7f"}},
        {"a", R"({"a": -12.50})", {Kind::kNumber, "-12.50"}},
        {"b",
         R"({"a": "b", "b": 123456789012345678901234567890.000})",
         {Kind::kNumber, "123456789012345678901234567890.000"}},
        {"a", R"({"a": true})", {Kind::kBoolean, "true"}},
        {"a", R"({"a": false, "b": 1})", {Kind::kBoolean, "false"}},
        {"a", R"({"a": null})", {Kind::kNull, "(null)"}},
        {"a", R"({"b": {"a": 1}})", {Kind::kAbsent, "(null)"}},
        {"b", R"({"b": {"a": [1, "}\\\"{"]}, "c": 2})", {Kind::kObject, R"({"a": [1, "}\\\"{"]})"}},
        {"c", R"({"b": {"a": [1, "}\\\"{"]}, "c": [2, null]})", {Kind::kArray, "[2, null]"}},
        {"", R"({"": 1, "a": 2})", {Kind::kNumber, "1"}},
        {"a\"b", R"({"a\"b": 1})", {Kind::kNumber, "1"}},
        {"a\\", R"({"a\\": "\\"})", {Kind::kString, "\\"}},
        {"\x01\n", R"({"\u0001\n": 1})", {Kind::kNumber, "1"}},
        {"ключ", R"({"ключ": "да"})", {Kind::kString, "да"}},
        {"a", "{}", {Kind::kAbsent, "(null)"}},
        {"a", "[]", {Kind::kAbsent, "(null)"}},
        {"a", R"(["b", "a"])", {Kind::kElement, "(null)"}},
        {"a", R"([["a"], {"a": 1}])", {Kind::kAbsent, "(null)"}},
        {"a", R"("a")", {Kind::kElement, "(null)"}},
        {"a", R"("aa")", {Kind::kAbsent, "(null)"}},
        {"1", "1", {Kind::kAbsent, "(null)"}},
        {"null", "null", {Kind::kAbsent, "(null)"}},
        {"a", "", {Kind::kAbsent, "(null)"}},
    };
    for (const Case& c : cases) EXPECT_EQ(one(c.key, c.document), c.expected) << c.document;
}

TEST(json_keys, are_found_in_any_number) {
    std::vector<std::string> keys;
    std::string document = "{";
    std::vector<Held> expected;
    for (int i = 0; i < 64; ++i) {
        keys.push_back("key" + std::to_string(i));
        if (i % 3 == 0) {
            expected.push_back({Kind::kAbsent, "(null)"});
            continue;
        }
        document += (document.size() > 1 ? ", " : "") + ("\"key" + std::to_string(i)) +
                    "\": " + std::to_string(i);
        expected.push_back({Kind::kNumber, std::to_string(i)});
    }
    EXPECT_EQ(held(keys, document + "}"), expected);
}

TEST(json_keys, refuse_what_no_jsonb_looks_like) {
    std::vector<std::string> keys = {"a", "b"};
    JsonKeys reader(keys);
    for (std::string_view text : {"{", "{\"a\"", "{\"a\":1}", "{\"a\": }", "{\"a\": 1",
                                  "{\"a\": 1,\"b\": 2}", "{\"a\": \"x}", "{\"a\": [1}", "[1",
                                  "[1,2]", "\"a", "x", "{a: 1}", "{\"a\": tru}", "1 2"})
        EXPECT_FALSE(reader.read(text)) << text;
    Column texts(MUST(parse_clickhouse_type("Nullable(String)")));
    Column kinds(MUST(parse_clickhouse_type("UInt8")));
    for (std::string_view text : {"\\", "\\x", "\\u12", "\\u0000", "\\ud83d"})
        EXPECT_FALSE(append_member({Kind::kString, text}, texts, kinds)) << text;
    EXPECT_EQ(texts.rows, 0U);
    EXPECT_EQ(kinds.rows, 0U);
}

TEST(json_keys, tell_a_document_that_is_null) {
    std::vector<std::string> keys = {"a"};
    JsonKeys reader(keys);
    reader.read_null();
    EXPECT_EQ(reader.members()[0].kind, Kind::kNoDocument);
    ASSERT_TRUE(reader.read("{}"));
    EXPECT_EQ(reader.members()[0].kind, Kind::kAbsent);
}

}  // namespace
}  // namespace tandem::types
