// pgoutput messages and their envelope: any bytes give a message or an error, and every view of a
// message lies inside of what was given.
//
// Input: u8 protocol version, then messages with a u8 length each, so that the state between
// messages (streamed blocks) is reached as well.
#include <cstdlib>
#include <string>

#include "postgres/decoder/pgoutput.h"
#include "postgres/decoder/replication_message.h"

namespace tandem::postgres {
namespace {

volatile size_t sink = 0;

// Touches every byte, so that the sanitizer sees a view that points elsewhere.
void touch(std::string_view bytes) {
    size_t sum = 0;
    for (char byte : bytes) sum += static_cast<unsigned char>(byte);
    sink = sink + sum;
}

void touch(Tuple tuple) {
    for (const TupleValue& value : tuple) touch(value.bytes);
}

struct Touch {
    void operator()(const Insert& insert) const { touch(insert.row); }
    void operator()(const Update& update) const {
        touch(update.old);
        touch(update.row);
    }
    void operator()(const Delete& remove) const { touch(remove.old); }
    void operator()(const Relation& relation) const {
        touch(relation.schema);
        touch(relation.name);
        for (const RelationColumn& column : relation.columns) touch(column.name);
    }
    void operator()(const Type& type) const { touch(type.name); }
    void operator()(const Origin& origin) const { touch(origin.name); }
    void operator()(const LogicalMessage& message) const {
        touch(message.prefix);
        touch(message.content);
    }
    void operator()(const BeginPrepare& begin) const { touch(begin.gid); }
    void operator()(const Prepare& prepare) const { touch(prepare.gid); }
    void operator()(const CommitPrepared& commit) const { touch(commit.gid); }
    void operator()(const RollbackPrepared& rollback) const { touch(rollback.gid); }
    template <typename Other>
    void operator()(const Other&) const {}
};

void decode(PgoutputDecoder& decoder, std::string_view bytes) {
    // A copy of exactly this size puts a fence behind the message.
    std::string message(bytes);
    message.shrink_to_fit();
    auto decoded = decoder.decode(message);
    if (decoded.ok()) std::visit(Touch(), *decoded);
    if (!decoded.ok() && decoded.error().code() != ErrorCode::kMalformedData) std::abort();
    auto envelope = decode_replication_message(message);
    if (envelope.ok() && std::holds_alternative<XLogData>(*envelope))
        touch(std::get<XLogData>(*envelope).payload);
}

}  // namespace
}  // namespace tandem::postgres

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.empty()) return 0;
    tandem::postgres::PgoutputDecoder decoder(input[0] & 7);
    input.remove_prefix(1);
    while (!input.empty()) {
        size_t length = static_cast<unsigned char>(input[0]);
        input.remove_prefix(1);
        tandem::postgres::decode(decoder, input.substr(0, length));
        input.remove_prefix(std::min(length, input.size()));
    }
    return 0;
}
