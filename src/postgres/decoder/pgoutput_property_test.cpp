// Property: what an independent encoder writes comes back unchanged, and what is cut off anywhere
// is refused.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "postgres/decoder/pgoutput.h"
#include "postgres/decoder/test_encoder.h"

namespace tandem::postgres {
namespace {

using testing::Wire;
using Values = std::vector<Wire::Value>;

rc::Gen<Values> values() {
    auto value = rc::gen::build<Wire::Value>(
        rc::gen::set(&Wire::Value::kind, rc::gen::element('n', 'u', 't', 'b')),
        rc::gen::set(&Wire::Value::text, rc::gen::string<std::string>()));
    return rc::gen::container<Values>(value);
}

char kind_of(ValueKind kind) {
    constexpr char kLetters[] = {'n', 'u', 't', 'b'};
    return kLetters[static_cast<size_t>(kind)];
}

void check_same(Tuple got, const Values& wanted) {
    RC_ASSERT(got.size() == wanted.size());
    for (size_t i = 0; i < got.size(); ++i) {
        RC_ASSERT(kind_of(got[i].kind) == wanted[i].kind);
        bool has_bytes = wanted[i].kind == 't' || wanted[i].kind == 'b';
        RC_ASSERT(got[i].bytes == (has_bytes ? wanted[i].text : ""));
    }
}

// A decoder that stands inside a streamed block, or outside of one.
PgoutputDecoder decoder_at(bool in_stream) {
    PgoutputDecoder decoder(4);
    if (in_stream) RC_ASSERT(decoder.decode(Wire::message('S').u32(1).u8(1).str()).ok());
    return decoder;
}

Wire change(char type, bool in_stream, uint32_t xid, uint32_t relation) {
    Wire wire = Wire::message(type);
    if (in_stream) wire.u32(xid);
    return wire.u32(relation);
}

void check_prefixes_are_refused(bool in_stream, const std::string& bytes) {
    size_t cut = *rc::gen::inRange<size_t>(0, bytes.size());
    PgoutputDecoder decoder = decoder_at(in_stream);
    RC_ASSERT(!decoder.decode(std::string_view(bytes).substr(0, cut)).ok());
}

RC_GTEST_PROP(pgoutput_property, an_update_comes_back,
              (bool in_stream, uint32_t xid, uint32_t oid)) {
    Values old_row = *values();
    Values row = *values();
    char old_kind = *rc::gen::element('-', 'K', 'O');
    Wire wire = change('U', in_stream, xid, oid);
    if (old_kind != '-') wire.tuple(old_kind, old_row);
    wire.tuple('N', row);

    PgoutputDecoder decoder = decoder_at(in_stream);
    auto message = decoder.decode(wire.str());
    RC_ASSERT(message.ok());
    const Update& update = std::get<Update>(message.value());
    RC_ASSERT(update.stream_xid == (in_stream ? Xid{xid} : Xid{0}));
    RC_ASSERT(update.relation == Oid{oid});
    RC_ASSERT((update.old_kind == OldTuple::none) == (old_kind == '-'));
    RC_ASSERT((update.old_kind == OldTuple::full) == (old_kind == 'O'));
    check_same(update.old, old_kind == '-' ? Values() : old_row);
    check_same(update.row, row);
    check_prefixes_are_refused(in_stream, wire.str());
}

RC_GTEST_PROP(pgoutput_property, inserts_and_deletes_come_back, (bool in_stream, uint32_t oid)) {
    Values row = *values();
    bool is_insert = *rc::gen::arbitrary<bool>();
    Wire wire = change(is_insert ? 'I' : 'D', in_stream, 7, oid).tuple(is_insert ? 'N' : 'K', row);
    PgoutputDecoder decoder = decoder_at(in_stream);
    auto message = decoder.decode(wire.str());
    RC_ASSERT(message.ok());
    check_same(is_insert ? std::get<Insert>(*message).row : std::get<Delete>(*message).old, row);
    check_prefixes_are_refused(in_stream, wire.str());
}

RC_GTEST_PROP(pgoutput_property, any_bytes_give_a_message_or_an_error, (int version)) {
    PgoutputDecoder decoder(version);
    auto letter = rc::gen::element('B', 'C', 'O', 'R', 'Y', 'I', 'U', 'D', 'T', 'M', 'S', 'E', 'c',
                                   'A', 'b', 'P', 'K', 'r', 'p', 'x');
    auto count = *rc::gen::inRange(1, 20);
    for (int i = 0; i < count; ++i) {
        std::string bytes(1, *letter);
        bytes += *rc::gen::container<std::string>(
            rc::gen::weightedOneOf<char>({{3, rc::gen::element('\0', '\1', 'N', 't', 'n', 'K')},
                                          {1, rc::gen::arbitrary<char>()}}));
        auto message = decoder.decode(bytes);
        if (!message.ok()) RC_ASSERT(message.error().code() == ErrorCode::kMalformedData);
    }
}

}  // namespace
}  // namespace tandem::postgres
