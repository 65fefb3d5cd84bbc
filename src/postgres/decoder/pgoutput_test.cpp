#include "postgres/decoder/pgoutput.h"

#include <gtest/gtest.h>

#include "postgres/decoder/test_encoder.h"

namespace tandem::postgres {
namespace {

using testing::Wire;
using Values = std::vector<Wire::Value>;

// Decodes and expects one kind of message.
template <typename T>
T expect(PgoutputDecoder& decoder, const Wire& wire) {
    auto message = decoder.decode(wire.str());
    if (!message.ok()) {
        ADD_FAILURE() << message.error().message();
        return T{};
    }
    const T* wanted = std::get_if<T>(&message.value());
    EXPECT_NE(wanted, nullptr) << "another kind of message: " << message->index();
    return wanted == nullptr ? T{} : *wanted;
}

std::string error_of(PgoutputDecoder& decoder, std::string_view bytes) {
    auto message = decoder.decode(bytes);
    EXPECT_FALSE(message.ok());
    if (message.ok()) return "";
    EXPECT_EQ(message.error().code(), ErrorCode::kMalformedData);
    return message.error().message();
}

TEST(pgoutput, reads_begin_and_commit) {
    PgoutputDecoder decoder(1);
    Wire begin_bytes = Wire::message('B').u64(0x1A2B3C).i64(-5).u32(777);
    auto begin = expect<Begin>(decoder, begin_bytes);
    EXPECT_EQ(begin.final_lsn, Lsn{0x1A2B3C});
    EXPECT_EQ(begin.commit_time.micros, -5);
    EXPECT_EQ(begin.xid, Xid{777});
    auto commit = expect<Commit>(decoder, Wire::message('C').u8(0).u64(1).u64(2).i64(3));
    EXPECT_EQ(commit.commit_lsn, Lsn{1});
    EXPECT_EQ(commit.end_lsn, Lsn{2});
    EXPECT_EQ(commit.commit_time.micros, 3);
}

TEST(pgoutput, reads_relation_type_and_origin) {
    PgoutputDecoder decoder(1);
    Wire bytes = Wire::message('R').u32(16384).c_string("public").c_string("t").u8('d').u16(2);
    bytes.u8(1).c_string("id").u32(23).u32(0xFFFFFFFF);
    bytes.u8(0).c_string("").u32(1043).u32(14);
    auto relation = expect<Relation>(decoder, bytes);
    EXPECT_EQ(relation.oid, Oid{16384});
    EXPECT_EQ(relation.schema, "public");
    EXPECT_EQ(relation.name, "t");
    EXPECT_EQ(relation.replica_identity, 'd');
    ASSERT_EQ(relation.columns.size(), 2u);
    EXPECT_TRUE(relation.columns[0].key);
    EXPECT_EQ(relation.columns[0].typmod, -1);
    EXPECT_FALSE(relation.columns[1].key);
    EXPECT_EQ(relation.columns[1].type, Oid{1043});
    EXPECT_EQ(relation.columns[1].typmod, 14);

    Wire type_bytes = Wire::message('Y').u32(9).c_string("").c_string("mood");
    auto type = expect<Type>(decoder, type_bytes);
    EXPECT_EQ(type.schema, "pg_catalog");
    EXPECT_EQ(type.name, "mood");
    Wire origin_bytes = Wire::message('O').u64(5).c_string("upstream");
    EXPECT_EQ(expect<Origin>(decoder, origin_bytes).name, "upstream");
}

TEST(pgoutput, reads_every_kind_of_value) {
    PgoutputDecoder decoder(1);
    Wire bytes = Wire::message('I').u32(7).tuple(
        'N', {{'t', "abc"}, {'n', ""}, {'u', ""}, {'b', std::string("\0\1", 2)}, {'t', ""}});
    auto insert = expect<Insert>(decoder, bytes);
    EXPECT_EQ(insert.relation, Oid{7});
    ASSERT_EQ(insert.row.size(), 5u);
    EXPECT_EQ(insert.row[0].bytes, "abc");
    EXPECT_EQ(insert.row[0].kind, ValueKind::text);
    EXPECT_EQ(insert.row[1].kind, ValueKind::null);
    EXPECT_EQ(insert.row[2].kind, ValueKind::unchanged_toast);
    EXPECT_EQ(insert.row[3].kind, ValueKind::binary);
    EXPECT_EQ(insert.row[3].bytes.size(), 2u);
    EXPECT_EQ(insert.row[4].kind, ValueKind::text);
    EXPECT_TRUE(insert.row[4].bytes.empty());
}

TEST(pgoutput, tells_the_three_kinds_of_update_apart) {
    PgoutputDecoder decoder(1);
    Values key = {{'t', "1"}, {'n', ""}};
    Values row = {{'t', "2"}, {'t', "x"}};
    Wire plain_bytes = Wire::message('U').u32(7).tuple('N', row);
    auto plain = expect<Update>(decoder, plain_bytes);
    EXPECT_EQ(plain.old_kind, OldTuple::none);
    EXPECT_TRUE(plain.old.empty());
    EXPECT_EQ(plain.row[1].bytes, "x");

    Wire key_bytes = Wire::message('U').u32(7).tuple('K', key).tuple('N', row);
    auto with_key = expect<Update>(decoder, key_bytes);
    EXPECT_EQ(with_key.old_kind, OldTuple::key);
    EXPECT_EQ(with_key.old[0].bytes, "1");
    EXPECT_EQ(with_key.row[0].bytes, "2");

    Wire full_bytes = Wire::message('U').u32(7).tuple('O', row).tuple('N', row);
    EXPECT_EQ(expect<Update>(decoder, full_bytes).old_kind, OldTuple::full);
}

TEST(pgoutput, reads_delete_and_truncate) {
    PgoutputDecoder decoder(1);
    Wire key_bytes = Wire::message('D').u32(7).tuple('K', {{'t', "1"}});
    EXPECT_EQ(expect<Delete>(decoder, key_bytes).old_kind, OldTuple::key);
    Wire full_bytes = Wire::message('D').u32(7).tuple('O', {{'t', "1"}});
    EXPECT_EQ(expect<Delete>(decoder, full_bytes).old_kind, OldTuple::full);
    Wire truncate_bytes = Wire::message('T').u32(2).u8(3).u32(10).u32(11);
    auto truncate = expect<Truncate>(decoder, truncate_bytes);
    EXPECT_TRUE(truncate.cascade);
    EXPECT_TRUE(truncate.restart_identity);
    ASSERT_EQ(truncate.relations.size(), 2u);
    EXPECT_EQ(truncate.relations[1], Oid{11});
}

TEST(pgoutput, reads_logical_messages) {
    PgoutputDecoder decoder(1);
    Wire bytes = Wire::message('M').u8(1).u64(99).c_string("tandem").counted("flush");
    auto message = expect<LogicalMessage>(decoder, bytes);
    EXPECT_TRUE(message.transactional);
    EXPECT_EQ(message.lsn, Lsn{99});
    EXPECT_EQ(message.prefix, "tandem");
    EXPECT_EQ(message.content, "flush");
}

TEST(pgoutput, expects_transaction_ids_only_inside_streamed_blocks) {
    PgoutputDecoder decoder(2);
    EXPECT_EQ(expect<StreamStart>(decoder, Wire::message('S').u32(500).u8(1)).xid, Xid{500});
    EXPECT_TRUE(decoder.in_stream());
    Wire inside = Wire::message('I').u32(501).u32(7).tuple('N', {{'n', ""}});
    auto insert = expect<Insert>(decoder, inside);
    EXPECT_EQ(insert.stream_xid, Xid{501});
    EXPECT_EQ(insert.relation, Oid{7});
    expect<StreamStop>(decoder, Wire::message('E'));
    EXPECT_FALSE(decoder.in_stream());
    Wire outside = Wire::message('I').u32(7).tuple('N', {{'n', ""}});
    EXPECT_EQ(expect<Insert>(decoder, outside).stream_xid, Xid{0});

    auto commit =
        expect<StreamCommit>(decoder, Wire::message('c').u32(5).u8(0).u64(1).u64(2).i64(3));
    EXPECT_EQ(commit.xid, Xid{5});
    EXPECT_EQ(commit.end_lsn, Lsn{2});
    EXPECT_EQ(expect<StreamAbort>(decoder, Wire::message('A').u32(5).u32(6)).subxid, Xid{6});
}

TEST(pgoutput, reads_the_longer_abort_of_protocol_4) {
    PgoutputDecoder decoder(4);
    auto abort = expect<StreamAbort>(decoder, Wire::message('A').u32(5).u32(6).u64(77).i64(88));
    EXPECT_EQ(abort.abort_lsn, Lsn{77});
    EXPECT_EQ(abort.abort_time.micros, 88);
    EXPECT_EQ(expect<StreamAbort>(decoder, Wire::message('A').u32(5).u32(6)).abort_lsn, Lsn{0});
    PgoutputDecoder older(3);
    error_of(older, Wire::message('A').u32(5).u32(6).u64(77).i64(88).str());
}

TEST(pgoutput, reads_two_phase_messages) {
    PgoutputDecoder decoder(3);
    Wire begin_bytes = Wire::message('b').u64(1).u64(2).i64(3).u32(4).c_string("gid");
    auto begin = expect<BeginPrepare>(decoder, begin_bytes);
    EXPECT_EQ(begin.gid, "gid");
    EXPECT_EQ(begin.xid, Xid{4});
    Wire prepare_bytes = Wire::message('P').u8(0).u64(1).u64(2).i64(3).u32(4).c_string("g");
    EXPECT_FALSE(expect<Prepare>(decoder, prepare_bytes).streamed);
    Wire stream_bytes = Wire::message('p').u8(0).u64(1).u64(2).i64(3).u32(4).c_string("g");
    EXPECT_TRUE(expect<Prepare>(decoder, stream_bytes).streamed);
    Wire commit_bytes = Wire::message('K').u8(0).u64(1).u64(2).i64(3).u32(4).c_string("g");
    EXPECT_EQ(expect<CommitPrepared>(decoder, commit_bytes).end_lsn, Lsn{2});
    Wire rollback_bytes = Wire::message('r').u8(0).u64(1).u64(2).i64(3).i64(4).u32(5).c_string("g");
    auto rollback = expect<RollbackPrepared>(decoder, rollback_bytes);
    EXPECT_EQ(rollback.prepare_end_lsn, Lsn{1});
    EXPECT_EQ(rollback.rollback_time.micros, 4);
    EXPECT_EQ(rollback.xid, Xid{5});
}

TEST(pgoutput, refuses_messages_of_later_protocol_versions) {
    PgoutputDecoder version_1(1);
    error_of(version_1, Wire::message('S').u32(500).u8(1).str());
    PgoutputDecoder version_2(2);
    error_of(version_2, Wire::message('b').u64(1).u64(2).i64(3).u32(4).c_string("g").str());
}

TEST(pgoutput, says_what_is_wrong_and_where) {
    PgoutputDecoder decoder(2);
    EXPECT_EQ(error_of(decoder, "B123"), "pgoutput message 'B': ends early at offset 1 of 4");
    EXPECT_NE(error_of(decoder, "").find("of type 0"), std::string::npos);
    EXPECT_NE(error_of(decoder, "?").find("unknown in this protocol"), std::string::npos);
    error_of(decoder, Wire::message('E').str());                            // no block open
    error_of(decoder, Wire::message('I').u32(1).u8('N').u16(65535).str());  // columns, no bytes
    error_of(decoder, Wire::message('I').u32(1).tuple('K', {}).str());
    error_of(decoder, Wire::message('I').u32(1).tuple('N', {{'x', ""}}).str());
    error_of(decoder, Wire::message('I').u32(1).tuple('N', {}).u8(0).str());  // one byte too many
    error_of(decoder, Wire::message('I').u32(1).u8('N').u16(1).u8('t').u32(0xFFFFFFFF).str());
    error_of(decoder, Wire::message('T').u32(0x40000000).u8(0).str());
    error_of(decoder, Wire::message('C').u8(1).u64(1).u64(2).i64(3).str());
}

}  // namespace
}  // namespace tandem::postgres
