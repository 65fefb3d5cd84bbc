#include "clickhouse/client/native_protocol.h"

#include <gtest/gtest.h>

#include "clickhouse/client/native_recorded.h"
#include "clickhouse/client/packets.h"
#include "clickhouse/client/parameters.h"
#include "clickhouse/client/wire.h"
#include "clickhouse/codec/compress.h"

namespace tandem::clickhouse {
namespace {

std::string from_hex(std::string_view digits) {
    const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string bytes;
    for (size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes += static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1]));
    return bytes;
}

struct Script {
    const char* hex;
    Compression compression = Compression::kNone;
    uint64_t revision = 54488;
};

const Script kScripts[] = {
    {recorded::kSelectPlain},
    {recorded::kSelectLz4, Compression::kLz4},
    {recorded::kSelectOldest, Compression::kNone, 54400},
    {recorded::kException},
    {recorded::kInsertLz4, Compression::kLz4},
};

NativeProtocol machine_for(const Script& script) {
    return NativeProtocol(Endpoint{}, ClientOptions{.compression = script.compression,
                                                    .block_bytes_max = size_t{16} << 20,
                                                    .revision_max = script.revision});
}

std::string describe(const Event& event) {
    if (const auto* block = std::get_if<BlockEvent>(&event))
        return "block of " + std::to_string(block->block.rows());
    if (const auto* exception = std::get_if<ExceptionEvent>(&event))
        return "exception " + std::to_string(exception->exception.code);
    constexpr const char* kNames[] = {"hello",   "block",    "progress", "profile", "exception",
                                      "columns", "timezone", "end",      "pong"};
    return kNames[event.index()];
}

// Feeds the bytes in pieces and collects what comes out; the last entry is an error, if any.
std::vector<std::string> replay(NativeProtocol& machine, std::string_view bytes, size_t piece) {
    std::vector<std::string> seen;
    while (!bytes.empty()) {
        machine.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (;;) {
            auto event = machine.next();
            if (!event.ok()) {
                seen.push_back(std::string(event.error().info().code));
                return seen;
            }
            if (!event->has_value()) break;
            seen.push_back(describe(**event));
        }
    }
    return seen;
}

// --- real bytes
// ------------------------------------------------------------------------------------

TEST(native_protocol, understands_what_a_real_server_sent) {
    const Script script{recorded::kSelectLz4, Compression::kLz4};
    NativeProtocol machine = machine_for(script);
    machine.feed(from_hex(script.hex));
    std::optional<types::Block> rows;
    std::vector<std::string> seen;
    for (;;) {
        auto event = machine.next();
        ASSERT_TRUE(event.ok()) << event.error().to_string();
        if (!event->has_value()) break;
        seen.push_back(describe(**event));
        auto* block = std::get_if<BlockEvent>(&**event);
        if (block != nullptr && block->block.rows() > 0) rows = std::move(block->block);
    }
    EXPECT_EQ(seen.front(), "hello");
    EXPECT_EQ(seen[1], "block of 0");
    EXPECT_EQ(seen.back(), "pong");
    EXPECT_EQ(machine.server().name, "ClickHouse");
    EXPECT_EQ(machine.server().version_major, 26u);
    EXPECT_EQ(machine.server().timezone, "Etc/UTC");
    EXPECT_EQ(machine.revision(), 54488u);
    EXPECT_EQ(machine.buffered(), 0u);
    ASSERT_TRUE(rows.has_value());
    ASSERT_EQ(rows->rows(), 3u);
    EXPECT_EQ(rows->columns[0].name, "n");
    EXPECT_EQ(rows->columns[0].column.fixed<uint64_t>(2), 2u);
    EXPECT_EQ(rows->columns[1].column.string(2), "2");
}

TEST(native_protocol, gives_the_exception_of_a_real_server) {
    const Script script{recorded::kException};
    NativeProtocol machine = machine_for(script);
    machine.feed(from_hex(script.hex));
    for (;;) {
        auto event = machine.next();
        ASSERT_TRUE(event.ok() && event->has_value());
        auto* exception = std::get_if<ExceptionEvent>(&**event);
        if (exception == nullptr) continue;
        EXPECT_EQ(exception->exception.code, 395);
        EXPECT_EQ(exception->exception.name, "DB::Exception");
        const Error error = to_error(exception->exception);
        EXPECT_EQ(error.code(), ErrorCode::kClickHouseError);
        EXPECT_EQ(error.foreign_code(), 395);
        EXPECT_TRUE(error.message().starts_with("ClickHouse error 395: Value passed to 'throwIf'"));
        break;
    }
}

TEST(native_protocol, tells_the_same_story_however_the_bytes_are_cut) {
    for (const Script& script : kScripts) {
        const std::string bytes = from_hex(script.hex);
        NativeProtocol whole = machine_for(script);
        const auto expected = replay(whole, bytes, bytes.size());
        EXPECT_EQ(expected.back(), "pong");
        for (size_t piece : {1u, 2u, 3u, 7u, 64u}) {
            NativeProtocol machine = machine_for(script);
            EXPECT_EQ(replay(machine, bytes, piece), expected);
        }
    }
}

TEST(native_protocol, survives_every_changed_byte) {
    for (const Script& script : kScripts) {
        const std::string bytes = from_hex(script.hex);
        for (size_t i = 0; i < bytes.size(); ++i) {
            for (const char change : {'\x01', '\x7f', '\x80', '\xff'}) {
                std::string broken = bytes;
                broken[i] = static_cast<char>(broken[i] ^ change);
                NativeProtocol machine = machine_for(script);
                replay(machine, broken, broken.size());
            }
        }
    }
}

// --- malformed bytes
// -------------------------------------------------------------------------------

types::Bytes hello_of(uint64_t revision) {
    types::Bytes out;
    write_varint(out, packet::kHello);
    write_string(out, "ClickHouse");
    for (const uint64_t number : {uint64_t{1}, uint64_t{2}, revision}) write_varint(out, number);
    write_string(out, "UTC");
    write_string(out, "display");
    return out;
}

// A machine at revision 54400, logged in.
NativeProtocol old_machine(Compression compression = Compression::kNone) {
    NativeProtocol machine =
        machine_for({.hex = "", .compression = compression, .revision = 54400});
    machine.feed(hello_of(54400).view());
    EXPECT_EQ(describe(*MUST(machine.next())), "hello");
    return machine;
}

ErrorCode code_of(NativeProtocol& machine, std::string_view bytes) {
    machine.feed(bytes);
    for (;;) {
        auto event = machine.next();
        if (!event.ok()) return event.error().code();
        if (!event->has_value()) return ErrorCode::kWouldBlock;
    }
}

TEST(native_protocol, refuses_a_server_that_is_too_old) {
    NativeProtocol machine = machine_for({.hex = ""});
    EXPECT_EQ(code_of(machine, hello_of(54399).view()), ErrorCode::kUnsupportedVersion);
}

TEST(native_protocol, stays_broken_after_an_error) {
    NativeProtocol machine = old_machine();
    EXPECT_EQ(code_of(machine, std::string(1, 99)), ErrorCode::kProtocolViolation);
    EXPECT_EQ(code_of(machine, "\x04"), ErrorCode::kProtocolViolation);
}

TEST(native_protocol, refuses_packets_it_did_not_ask_for) {
    for (const char packet : {'\x00', '\x09', '\x0d', '\x0f', '\x10', '\x12', 'd'}) {
        NativeProtocol machine = old_machine();
        EXPECT_EQ(code_of(machine, std::string(1, packet)), ErrorCode::kProtocolViolation)
            << int{packet};
    }
}

TEST(native_protocol, refuses_an_answer_before_the_hello) {
    NativeProtocol machine = machine_for({.hex = ""});
    EXPECT_EQ(code_of(machine, "HTTP/1.1 400 Bad Request\r\n"), ErrorCode::kProtocolViolation);
}

TEST(native_protocol, refuses_a_number_that_never_ends) {
    NativeProtocol machine = old_machine();
    EXPECT_EQ(code_of(machine, std::string(20, '\xff')), ErrorCode::kProtocolViolation);
}

TEST(native_protocol, refuses_strings_beyond_their_limit_before_they_arrive) {
    NativeProtocol machine = machine_for({.hex = ""});
    types::Bytes bytes;
    write_varint(bytes, packet::kHello);
    write_varint(bytes, uint64_t{1} << 60);
    EXPECT_EQ(code_of(machine, bytes.view()), ErrorCode::kProtocolViolation);
}

TEST(native_protocol, refuses_exceptions_nested_without_end) {
    NativeProtocol machine = old_machine();
    types::Bytes bytes;
    write_varint(bytes, packet::kException);
    for (int i = 0; i < 100; ++i) {
        write_little<int32_t>(bytes, 1);
        for (int text = 0; text < 3; ++text) write_string(bytes, "");
        write_little<uint8_t>(bytes, 1);
    }
    EXPECT_EQ(code_of(machine, bytes.view()), ErrorCode::kProtocolViolation);
}

TEST(native_protocol, refuses_a_frame_with_a_wrong_checksum) {
    NativeProtocol machine = old_machine(Compression::kLz4);
    types::Bytes bytes;
    write_varint(bytes, packet::kData);
    write_string(bytes, "");
    const size_t frame = bytes.size();
    ASSERT_TRUE(compress_frame(CompressionMethod::kLz4, "whatever", bytes).ok());
    bytes[frame] = static_cast<char>(bytes[frame] ^ 1);
    EXPECT_EQ(code_of(machine, bytes.view()), ErrorCode::kProtocolViolation);
}

TEST(native_protocol, refuses_bytes_behind_a_compressed_block) {
    NativeProtocol machine = old_machine(Compression::kLz4);
    types::Bytes block;
    ASSERT_TRUE(encode_block(types::Block{}, 54400, block).ok());
    block.push_back('x');
    types::Bytes bytes;
    write_varint(bytes, packet::kData);
    write_string(bytes, "");
    ASSERT_TRUE(compress_frame(CompressionMethod::kLz4, block.view(), bytes).ok());
    EXPECT_EQ(code_of(machine, bytes.view()), ErrorCode::kProtocolViolation);
}

TEST(native_protocol, reads_a_block_that_spans_frames) {
    types::Block block;
    block.columns.push_back({ "s", types::Column(MUST(types::parse_clickhouse_type("String"))) });
    for (int i = 0; i < 1000; ++i) block.columns[0].column.append_string(std::string(50, 'a'));
    types::Bytes plain;
    ASSERT_TRUE(encode_block(block, 54400, plain).ok());
    types::Bytes bytes;
    write_varint(bytes, packet::kData);
    write_string(bytes, "");
    for (size_t at = 0; at < plain.size(); at += 777)
        ASSERT_TRUE(
            compress_frame(CompressionMethod::kZstd, plain.view().substr(at, 777), bytes).ok());
    NativeProtocol machine = old_machine(Compression::kLz4);
    EXPECT_EQ(replay(machine, bytes.view(), 100), std::vector<std::string>{"block of 1000"});
}

TEST(native_protocol, skips_part_identifiers) {
    NativeProtocol machine = old_machine();
    types::Bytes bytes;
    write_varint(bytes, packet::kPartUuids);
    write_varint(bytes, 2);
    bytes.resize(bytes.size() + 32);
    write_varint(bytes, packet::kPong);
    EXPECT_EQ(replay(machine, bytes.view(), 5), std::vector<std::string>{"pong"});
}

// --- requests
// --------------------------------------------------------------------------------------

TEST(native_requests, hello_names_user_and_revision) {
    NativeProtocol machine(Endpoint{.user = "u", .password = "p", .database = "d"},
                           ClientOptions{.client_name = "c"});
    machine.send_hello();
    types::Bytes expected;
    write_varint(expected, packet::kClientHello);
    write_string(expected, "c");
    for (const uint64_t number : {uint64_t{0}, uint64_t{1}, kRevisionNewest})
        write_varint(expected, number);
    for (const char* text : {"d", "u", "p"}) write_string(expected, text);
    EXPECT_EQ(machine.output(), expected.view());
    machine.output_sent(5);
    EXPECT_EQ(machine.output(), expected.view().substr(5));
}

TEST(native_requests, parameters_need_a_server_that_knows_them) {
    NativeProtocol machine = old_machine();
    const Status status =
        machine.send_query({.sql = "SELECT {a:String}", .parameters = {{"a", "x"}}});
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kUnsupportedVersion);
    EXPECT_TRUE(machine.output().empty());
}

TEST(native_requests, parameters_are_escaped_twice) {
    EXPECT_EQ(parameter_text({"p", "a\\b\tc'"}), "a\\\\b\\tc'");
    EXPECT_EQ(parameter_text({"p", "['x\\'y']", ParameterForm::kLiteral}), "['x\\'y']");
    EXPECT_EQ(parameter_text({"p", "ignored", ParameterForm::kNull}), "\\N");
    EXPECT_EQ(quote_for_wire("a\\\\b\\tc'"), "'a\\\\\\\\b\\\\tc\\''");
}

// --- what exceptions mean
// --------------------------------------------------------------------------

TEST(server_exceptions, are_sorted_by_what_the_caller_can_do) {
    const auto code = [](int number) { return to_error(ServerException{.code = number}).code(); };
    for (const int retry :
         {75, 76, 159, 202, 209, 210, 241, 242, 243, 252, 285, 319, 394, 999, 1001})
        EXPECT_EQ(code(retry), ErrorCode::kClickHouseRetry) << retry;
    for (const int refused : {27, 47, 60, 62, 70, 115, 164, 469, 497})
        EXPECT_EQ(code(refused), ErrorCode::kClickHouseError) << refused;
    EXPECT_EQ(code(516), ErrorCode::kAuthenticationFailed);
}

}  // namespace
}  // namespace tandem::clickhouse
