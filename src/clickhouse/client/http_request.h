// Requests to ClickHouse's HTTP interface as bytes. Without I/O.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "clickhouse/client/client.h"
#include "types/clickhouse/column.h"

namespace tandem::clickhouse {

enum class HttpPurpose : uint8_t { kSelect, kInsert };

struct HttpRequest {
    types::Bytes head;  // up to and with the empty line
    types::Bytes body;  // empty when the body follows in chunks (kInsert)
};

// kSelect: the SQL is the body, or part of a multipart body when there are external tables.
// kInsert: the SQL goes into the URL and the caller sends the data in chunks.
// `json_as_text` and `flat_dynamic` are for servers that know the setting. kInvalidArgument for
// names that HTTP cannot carry.
struct HttpRequestOptions {
    HttpPurpose purpose = HttpPurpose::kSelect;
    bool json_as_text = false;
    bool flat_dynamic = false;
    uint64_t revision = 0;  // of the blocks in the answer
};
Result<HttpRequest> build_request(const Endpoint& endpoint, const ClientOptions& options,
                                  const Query& query, const HttpRequestOptions& how);

// One chunk of a chunked body; an empty one ends it.
void append_chunk(types::Bytes& out, std::string_view content);

// RFC 3986: everything but letters, digits and -._~ becomes %XX.
std::string percent_encode(std::string_view text);

}  // namespace tandem::clickhouse
