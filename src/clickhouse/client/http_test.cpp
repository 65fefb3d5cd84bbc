// The HTTP half without I/O: requests, responses, results.
#include <gtest/gtest.h>

#include "clickhouse/client/http_request.h"
#include "clickhouse/client/http_response.h"
#include "clickhouse/client/http_result.h"
#include "clickhouse/codec/compress.h"

namespace tandem::clickhouse {
namespace {

// --- responses
// -------------------------------------------------------------------------------------

struct Parsed {
    int status = 0;
    std::vector<std::string> headers;
    std::string body;
    bool complete = false;
    ErrorCode error = ErrorCode::kWouldBlock;  // none
    bool keep_alive = false;
};

Parsed parse(std::string_view bytes, size_t piece) {
    Parsed parsed;
    HttpResponse response;
    while (!bytes.empty()) {
        response.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (;;) {
            auto item = response.next();
            if (!item.ok()) {
                parsed.error = item.error().code();
                return parsed;
            }
            if (!item->has_value()) break;
            switch ((*item)->kind) {
                case HttpItem::Kind::kStatus:
                    parsed.status = (*item)->status;
                    break;
                case HttpItem::Kind::kHeader:
                    parsed.headers.push_back((*item)->name + "=" + (*item)->value);
                    break;
                case HttpItem::Kind::kHeadEnd:
                    break;
                case HttpItem::Kind::kBody:
                    parsed.body += (*item)->body;
                    break;
                case HttpItem::Kind::kEnd:
                    parsed.complete = true;
                    parsed.keep_alive = response.keep_alive();
                    return parsed;
            }
        }
    }
    auto end = response.end_of_input();
    if (end.ok())
        parsed.complete = true;
    else
        parsed.error = end.error().code();
    return parsed;
}

TEST(http_response, reads_chunks_however_they_are_cut) {
    const std::string bytes =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A:  b \r\nTransfer-Encoding: chunked\r\n"
        "\r\n5\r\nhello\r\nA;x=y\r\n, worldly \r\n0\r\nTrailer: x\r\n\r\n";
    for (size_t piece : {1u, 2u, 5u, 1000u}) {
        const Parsed parsed = parse(bytes, piece);
        EXPECT_EQ(parsed.status, 200);
        EXPECT_EQ(parsed.headers[0], "x-a=b");
        EXPECT_EQ(parsed.body, "hello, worldly ");
        EXPECT_TRUE(parsed.complete);
        EXPECT_TRUE(parsed.keep_alive);
    }
}

TEST(http_response, reads_sized_bodies_and_empty_ones) {
    const Parsed sized =
        parse("HTTP/1.1 500 Oops\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", 4);
    EXPECT_EQ(sized.status, 500);
    EXPECT_EQ(sized.body, "abc");
    EXPECT_TRUE(sized.complete);
    EXPECT_FALSE(sized.keep_alive);
    EXPECT_TRUE(parse("HTTP/1.1 204 No Content\r\n\r\n", 100).complete);
    EXPECT_TRUE(parse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 100).complete);
}

TEST(http_response, reads_a_body_until_the_connection_ends) {
    const Parsed parsed = parse("HTTP/1.0 200 OK\n\nall of it", 3);
    EXPECT_EQ(parsed.body, "all of it");
    EXPECT_TRUE(parsed.complete);
}

TEST(http_response, tells_a_cut_answer_from_a_whole_one) {
    for (const char* cut : {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "HTTP/1.1 20",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"})
        EXPECT_EQ(parse(cut, 1000).error, ErrorCode::kConnectionLost) << cut;
}

TEST(http_response, refuses_what_is_no_http) {
    for (const char* bad :
         {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1 abc\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"})
        EXPECT_EQ(parse(bad, 1000).error, ErrorCode::kProtocolViolation) << bad;
}

// --- results
// ---------------------------------------------------------------------------------------

types::Bytes encoded_rows(uint64_t rows) {
    types::Block block;
    block.columns.push_back({ "n", types::Column(MUST(types::parse_clickhouse_type("UInt64"))) });
    for (uint64_t i = 0; i < rows; ++i) block.columns[0].column.append_fixed(i);
    types::Bytes out;
    MUST(encode_block(block, 0, out));
    return out;
}

struct ReadResult {
    size_t rows = 0;
    Status status;
};

ReadResult read(const HttpResultOptions& options, std::string_view body, size_t piece,
                bool complete) {
    ReadResult read;
    HttpResult result(options);
    for (size_t at = 0; at < body.size(); at += piece) {
        result.feed(body.substr(at, piece));
        for (;;) {
            auto block = result.next();
            if (!block.ok()) {
                read.status = std::move(block).error();
                return read;
            }
            if (!block->has_value()) break;
            read.rows += (*block)->rows();
        }
    }
    read.status = result.finish(complete);
    return read;
}

constexpr char kTag[] = "abcdefghijklmnop";
const std::string kTagged = std::string("\r\n__exception__\r\n") + kTag +
                            "\r\nCode: 395. DB::Exception: half way. (VERSION)\n47 " + kTag +
                            "\r\n__exception__\r\n";

TEST(http_result, reads_blocks_however_they_are_cut) {
    std::string body;
    for (int i = 0; i < 3; ++i) body += encoded_rows(100).view();
    for (size_t piece : {1u, 10u, 333u, 100000u}) {
        const ReadResult got = read({.exception_tag = kTag}, body, piece, true);
        EXPECT_TRUE(got.status.ok()) << got.status.error().to_string();
        EXPECT_EQ(got.rows, 300u);
    }
}

TEST(http_result, finds_the_tagged_exception_after_whole_blocks) {
    const std::string body = std::string(encoded_rows(100).view()) + kTagged;
    for (size_t piece : {1u, 10u, 100000u}) {
        const ReadResult got = read({.exception_tag = kTag}, body, piece, false);
        ASSERT_FALSE(got.status.ok());
        EXPECT_EQ(got.rows, 100u);
        EXPECT_EQ(got.status.error().foreign_code(), 395);
        EXPECT_EQ(got.status.error().message(), "ClickHouse error 395: half way. (VERSION)");
    }
}

TEST(http_result, finds_the_exception_in_the_middle_of_a_block) {
    const std::string half = std::string(encoded_rows(100).view().substr(0, 300));
    for (const std::string& text : {kTagged, std::string("Code: 395. DB::Exception: half way\n")}) {
        const ReadResult got =
            read({.exception_tag = text == kTagged ? kTag : ""}, half + text, 50, false);
        ASSERT_FALSE(got.status.ok());
        EXPECT_EQ(got.status.error().foreign_code(), 395) << got.status.error().to_string();
    }
}

TEST(http_result, finds_the_exception_of_an_older_server_at_a_block_border) {
    const std::string body = std::string(encoded_rows(10).view()) +
                             "Code: 241. DB::Exception: Memory limit exceeded (version 22.3)\n";
    const ReadResult got = read({}, body, 7, false);
    ASSERT_FALSE(got.status.ok());
    EXPECT_EQ(got.rows, 10u);
    EXPECT_EQ(got.status.error().code(), ErrorCode::kClickHouseRetry);
}

TEST(http_result, finds_the_exception_inside_of_compressed_frames) {
    types::Bytes body;
    ASSERT_TRUE(compress_frame(CompressionMethod::kLz4, encoded_rows(100).view(), body).ok());
    ASSERT_TRUE(compress_frame(CompressionMethod::kLz4, kTagged, body).ok());
    const ReadResult got = read({.compressed = true, .exception_tag = kTag}, body.view(), 9, false);
    ASSERT_FALSE(got.status.ok());
    EXPECT_EQ(got.rows, 100u);
    EXPECT_EQ(got.status.error().foreign_code(), 395);
}

TEST(http_result, does_not_take_data_for_an_exception) {
    types::Block block;
    block.columns.push_back({ "s", types::Column(MUST(types::parse_clickhouse_type("String"))) });
    block.columns[0].column.append_string("Code: 395. DB::Exception: in the data");
    block.columns[0].column.append_string(kTagged);
    types::Bytes body;
    ASSERT_TRUE(encode_block(block, 0, body).ok());
    for (const char* tag : {"", kTag}) {
        const ReadResult got = read({.exception_tag = tag}, body.view(), 5, true);
        EXPECT_TRUE(got.status.ok()) << got.status.error().to_string();
        EXPECT_EQ(got.rows, 2u);
    }
}

TEST(http_result, says_when_it_ends_too_early) {
    const types::Bytes body = encoded_rows(100);
    const std::string_view half = body.view().substr(0, 200);
    EXPECT_EQ(read({}, half, 50, false).status.error().code(), ErrorCode::kConnectionLost);
    EXPECT_EQ(read({}, half, 50, true).status.error().code(), ErrorCode::kProtocolViolation);
}

TEST(http_result, refuses_garbage) {
    EXPECT_FALSE(read({}, std::string(1000, '\xff'), 50, true).status.ok());
    EXPECT_FALSE(read({.compressed = true}, std::string(1000, 'x'), 50, true).status.ok());
}

// --- requests
// --------------------------------------------------------------------------------------

TEST(http_request, carries_settings_and_parameters_in_the_url) {
    const Query query{.sql = "SELECT {p:String}",
                      .settings = {{"max_threads", "2"}},
                      .parameters = {{"p", "a&b=\t\\"}}};
    const HttpRequest request = MUST(build_request(
        Endpoint{.host = "h", .port = 8123, .user = "u", .password = "p"},
        ClientOptions{.compression = Compression::kNone}, query, HttpRequestOptions{}));
    const std::string_view head = request.head.view();
    EXPECT_TRUE(head.starts_with("POST /?default_format=Native&"));
    EXPECT_NE(head.find("&max_threads=2&"), std::string_view::npos);
    EXPECT_NE(head.find("&param_p=a%26b%3D%5Ct%5C%5C HTTP/1.1\r\n"), std::string_view::npos);
    EXPECT_NE(head.find("\r\nX-ClickHouse-User: u\r\n"), std::string_view::npos);
    EXPECT_TRUE(head.ends_with("Content-Length: 17\r\n\r\n"));
    EXPECT_EQ(request.body.view(), query.sql);
}

TEST(http_request, refuses_what_would_break_out_of_a_header) {
    const auto request = build_request(Endpoint{.password = "x\r\nX-Evil: 1"}, ClientOptions{},
                                       Query{.sql = "SELECT 1"}, HttpRequestOptions{});
    ASSERT_FALSE(request.ok());
    EXPECT_EQ(request.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(request.error().message().find("Evil"), std::string::npos);
}

}  // namespace
}  // namespace tandem::clickhouse
