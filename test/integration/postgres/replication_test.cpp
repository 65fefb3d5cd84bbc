// Replication and the pgoutput decoder against a real Postgres.
#include <chrono>
#include <functional>

#include "integration/postgres/postgres_fixture.h"
#include "postgres/decoder/pgoutput.h"
#include "postgres/introspect/introspect.h"

namespace tandem::postgres {
namespace {

// A message as one line of text, so that a whole transaction can be compared at once.
std::string line(Tuple tuple) {
    std::string text = "(";
    for (const TupleValue& value : tuple) {
        if (text.size() > 1) text += ", ";
        switch (value.kind) {
            case ValueKind::null:
                text += "null";
                break;
            case ValueKind::unchanged_toast:
                text += "unchanged";
                break;
            case ValueKind::text:
                text += value.bytes.substr(0, 20);
                break;
            case ValueKind::binary: {
                text += "0x";
                char digits[3];
                for (char byte : value.bytes.substr(0, 20)) {
                    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(byte));
                    text += digits;
                }
            }
        }
    }
    return text + ")";
}

struct Describe {
    std::string operator()(const Begin&) const { return "begin"; }
    std::string operator()(const Commit&) const { return "commit"; }
    std::string operator()(const Origin& origin) const {
        return "origin " + std::string(origin.name);
    }
    std::string operator()(const Relation& relation) const {
        std::string text = "relation " + std::string(relation.schema) + "." +
                           std::string(relation.name) + " " + relation.replica_identity;
        for (const RelationColumn& column : relation.columns)
            text += std::string(" ") + (column.key ? "*" : "") + std::string(column.name);
        return text;
    }
    std::string operator()(const Type& type) const { return "type " + std::string(type.name); }
    std::string operator()(const Insert& insert) const { return "insert " + line(insert.row); }
    std::string operator()(const Update& update) const {
        const char* kinds[] = {"update ", "update key ", "update full "};
        std::string text = kinds[static_cast<size_t>(update.old_kind)];
        if (update.old_kind != OldTuple::none) text += line(update.old) + " -> ";
        return text + line(update.row);
    }
    std::string operator()(const Delete& remove) const {
        return (remove.old_kind == OldTuple::full ? "delete full " : "delete key ") +
               line(remove.old);
    }
    std::string operator()(const Truncate& truncate) const {
        return "truncate " + std::to_string(truncate.relations.size()) +
               (truncate.cascade ? " cascade" : "") + (truncate.restart_identity ? " restart" : "");
    }
    std::string operator()(const LogicalMessage& message) const {
        return std::string("message ") + (message.transactional ? "in " : "out ") +
               std::string(message.prefix) + "=" + std::string(message.content);
    }
    std::string operator()(const StreamStart& start) const {
        return start.first_segment ? "stream start first" : "stream start";
    }
    std::string operator()(const StreamStop&) const { return "stream stop"; }
    std::string operator()(const StreamCommit&) const { return "stream commit"; }
    std::string operator()(const StreamAbort& abort) const {
        return abort.xid == abort.subxid ? "stream abort all" : "stream abort sub";
    }
    std::string operator()(const BeginPrepare& begin) const {
        return "begin prepare " + std::string(begin.gid);
    }
    std::string operator()(const Prepare& prepare) const {
        return (prepare.streamed ? "stream prepare " : "prepare ") + std::string(prepare.gid);
    }
    std::string operator()(const CommitPrepared& commit) const {
        return "commit prepared " + std::string(commit.gid);
    }
    std::string operator()(const RollbackPrepared& rollback) const {
        return "rollback prepared " + std::string(rollback.gid);
    }
};

using Lines = std::vector<std::string>;

class PostgresReplication : public PostgresTest {
  protected:
    Replication open_replication() {
        auto replication = Replication::open(options());
        EXPECT_TRUE(replication.ok()) << replication.error().to_string();
        return *std::move(replication);
    }

    // A slot named "s" and a stream from it, over publication "p" for all tables.
    void start_stream(StreamOptions stream, SlotOptions slot = {}) {
        run("CREATE PUBLICATION p FOR ALL TABLES");
        replication_ = std::make_unique<Replication>(open_replication());
        auto created = replication_->create_slot("s", slot);
        ASSERT_TRUE(created.ok()) << created.error().to_string();
        EXPECT_TRUE(created->consistent_point.valid());
        stream.slot = "s";
        stream.publications = {"p"};
        Status started = replication_->start(stream);
        ASSERT_TRUE(started.ok()) << started.error().to_string();
        decoder_ = std::make_unique<PgoutputDecoder>(replication_->protocol_version());
    }

    // Reads until a message outside of transactions, which the caller emits last, comes by.
    Lines read_to_marker() {
        // Numbered: a stream that starts again brings the old ones once more.
        std::string marker = "marker" + std::to_string(++markers_);
        run("SELECT pg_logical_emit_message(false, 'test', '" + marker + "')");
        Lines lines;
        auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (std::chrono::steady_clock::now() < deadline) {
            auto message = replication_->poll(Millis(1'000));
            if (!message.ok()) {
                ADD_FAILURE() << message.error().to_string();
                return lines;
            }
            if (!message->has_value()) continue;
            if (std::holds_alternative<Keepalive>(**message)) continue;
            auto decoded = decoder_->decode(std::get<XLogData>(**message).payload);
            if (!decoded.ok()) {
                ADD_FAILURE() << decoded.error().to_string();
                return lines;
            }
            std::string text = std::visit(Describe(), *decoded);
            if (text == "message out test=" + marker) return lines;
            if (text.starts_with("message out test=")) continue;
            if (auto* commit = std::get_if<Commit>(&*decoded)) end_lsn_ = commit->end_lsn;
            lines.push_back(std::move(text));
        }
        ADD_FAILURE() << "the marker did not come";
        return lines;
    }

    std::unique_ptr<Replication> replication_;
    std::unique_ptr<PgoutputDecoder> decoder_;
    Lsn end_lsn_;
    int markers_ = 0;
};

TEST_F(PostgresReplication, decodes_every_kind_of_change_in_text) {
    run("CREATE TABLE t (id int PRIMARY KEY, a text, big text);"
        "ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
        "CREATE TYPE mood AS ENUM ('sad', 'happy');"
        "CREATE TABLE f (a int, m mood); ALTER TABLE f REPLICA IDENTITY FULL");
    start_stream({.protocol_version = 1, .binary = false});
    run("INSERT INTO t VALUES (1, 'x', repeat('toast', 2000)), (2, NULL, '')");
    run("UPDATE t SET a = 'y' WHERE id = 1");
    run("UPDATE t SET id = 3 WHERE id = 2");
    run("DELETE FROM t WHERE id = 3");
    run("INSERT INTO f VALUES (7, 'sad'); UPDATE f SET m = 'happy'; DELETE FROM f");
    run("TRUNCATE t, f RESTART IDENTITY CASCADE");
    run("SELECT pg_logical_emit_message(true, 'tandem', 'inside')");
    Lines wanted = {
        "begin",
        "relation public.t d *id a big",
        "insert (1, x, toasttoasttoasttoast)",
        "insert (2, null, )",
        "commit",
        "begin",
        "update (1, y, unchanged)",
        "commit",
        "begin",
        "update key (2, null, null) -> (3, null, )",
        "commit",
        "begin",
        "delete key (3, null, null)",
        "commit",
        "begin",
        "type mood",
        "relation public.f f *a *m",
        "insert (7, sad)",
        "update full (7, sad) -> (7, happy)",
        "delete full (7, happy)",
        "commit",
        "begin",
        // TRUNCATE makes the server send its tables again.
        "relation public.t d *id a big",
        "type mood",
        "relation public.f f *a *m",
        "truncate 2 cascade restart",
        "commit",
        "begin",
        "message in tandem=inside",
        "commit",
    };
    EXPECT_EQ(read_to_marker(), wanted);
}

TEST_F(PostgresReplication, decodes_binary_values) {
    run("CREATE TABLE t (id int8 PRIMARY KEY, n numeric(10,2), ts timestamptz, f float8, b bytea)");
    start_stream({.protocol_version = 2, .binary = true});
    run("INSERT INTO t VALUES (258, 12.5, '2000-01-01 00:00:01+00', 1.5, '\\xdead')");
    Lines wanted = {"begin", "relation public.t d *id n ts f b",
                    "insert (0x0000000000000102, 0x0002000000000002000c1388, "
                    "0x00000000000f4240, 0x3ff8000000000000, 0xdead)",
                    "commit"};
    EXPECT_EQ(read_to_marker(), wanted);
}

TEST_F(PostgresReplication, streams_large_transactions_before_they_commit) {
    run("CREATE TABLE t (id int PRIMARY KEY, body text)");
    run("ALTER SYSTEM SET logical_decoding_work_mem = '64kB'");
    run("SELECT pg_reload_conf()");
    start_stream({.streaming = true});
    EXPECT_GE(replication_->protocol_version(), 2);
    run("BEGIN; INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 2000) i;"
        "SAVEPOINT a; INSERT INTO t SELECT i, repeat('y', 200) FROM generate_series(3001, 5000) i;"
        "ROLLBACK TO a; INSERT INTO t VALUES (9000, 'last'); COMMIT");
    run("BEGIN; INSERT INTO t SELECT i, repeat('z', 200) FROM generate_series(10001, 12000) i;"
        "ROLLBACK");
    Lines lines = read_to_marker();
    auto count = [&](std::string_view begin) {
        return std::count_if(lines.begin(), lines.end(),
                             [&](const std::string& text) { return text.starts_with(begin); });
    };
    EXPECT_GE(count("stream start first"), 1);
    EXPECT_EQ(count("stream start"), count("stream stop"));
    EXPECT_EQ(count("stream commit"), 1);
    EXPECT_GE(count("stream abort sub"), 1);
    EXPECT_GE(count("insert"), 2001);
    EXPECT_EQ(count("begin"), 0);
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "insert (0x00002328, 0x6c617374)"), 1);
}

TEST_F(PostgresReplication, decodes_two_phase_commit) {
    run("CREATE TABLE t (id int PRIMARY KEY)");
    start_stream({.binary = false, .two_phase = true}, {.two_phase = true});
    run("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'good'");
    run("COMMIT PREPARED 'good'");
    run("BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'bad'");
    run("ROLLBACK PREPARED 'bad'");
    Lines wanted = {"begin prepare good",   "relation public.t d *id", "insert (1)", "prepare good",
                    "commit prepared good", "begin prepare bad",       "insert (2)", "prepare bad",
                    "rollback prepared bad"};
    EXPECT_EQ(read_to_marker(), wanted);
}

TEST_F(PostgresReplication, moves_the_slot_by_feedback_and_goes_on_after_a_restart) {
    run("CREATE TABLE t (id int PRIMARY KEY)");
    start_stream({.binary = false});
    run("INSERT INTO t VALUES (1)");
    EXPECT_EQ(read_to_marker().size(), 4u);
    ASSERT_TRUE(
        replication_
            ->send_feedback(
                {.write = end_lsn_, .flush = end_lsn_, .apply = end_lsn_, .reply_requested = true})
            .ok());
    // The feedback is read some time; a keepalive need not be the answer to it.
    auto slot = read_slot(*connection_, "s");
    for (int tries = 0; tries < 100 && slot.ok() && (*slot)->confirmed_flush != end_lsn_; ++tries) {
        ASSERT_TRUE(replication_->poll(Millis(100)).ok());
        slot = read_slot(*connection_, "s");
    }
    ASSERT_TRUE(slot.ok() && slot->has_value());
    EXPECT_EQ((*slot)->confirmed_flush, end_lsn_);
    EXPECT_TRUE((*slot)->active);
    EXPECT_EQ((*slot)->wal_status, "reserved");
    EXPECT_FALSE((*slot)->invalidated());

    run("INSERT INTO t VALUES (2)");
    ASSERT_TRUE(replication_->stop(Millis(10'000)).ok());
    EXPECT_TRUE(replication_->identify_system().ok());
    replication_ = std::make_unique<Replication>(open_replication());
    ASSERT_TRUE(replication_->start({.slot = "s", .publications = {"p"}, .binary = false}).ok());
    decoder_ = std::make_unique<PgoutputDecoder>(replication_->protocol_version());
    Lines wanted = {"begin", "relation public.t d *id", "insert (2)", "commit"};
    EXPECT_EQ(read_to_marker(), wanted);
}

TEST_F(PostgresReplication, identifies_the_system_and_names_slot_trouble) {
    Replication replication = open_replication();
    auto identity = replication.identify_system();
    ASSERT_TRUE(identity.ok()) << identity.error().to_string();
    EXPECT_EQ(std::to_string(identity->system_id),
              ask("SELECT system_identifier FROM pg_control_system()"));
    EXPECT_EQ(identity->timeline, 1u);
    EXPECT_EQ(identity->database, "postgres");

    auto missing = replication.start({.slot = "nowhere", .publications = {"p"}});
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().code(), ErrorCode::kSlotMissing);
    EXPECT_EQ(replication.drop_slot("nowhere").error().code(), ErrorCode::kSlotMissing);

    start_stream({});
    EXPECT_EQ(replication.create_slot("s", {}).error().code(), ErrorCode::kAlreadyExists);
    Status in_use = replication.start({.slot = "s", .publications = {"p"}});
    ASSERT_FALSE(in_use.ok());
    EXPECT_EQ(in_use.error().code(), ErrorCode::kSlotInUse) << in_use.error().to_string();
    replication_->close();
    ASSERT_TRUE(replication.drop_slot("s", true).ok());
    EXPECT_FALSE(read_slot(*connection_, "s")->has_value());
}

TEST_F(PostgresReplication, notices_the_end_of_the_walsender_and_of_the_server) {
    start_stream({});
    run("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots");
    while (true) {
        auto message = replication_->poll(Millis(10'000));
        if (message.ok() && message->has_value()) continue;
        ASSERT_FALSE(message.ok()) << "the stream went on";
        EXPECT_EQ(message.error().code(), ErrorCode::kConnectionLost)
            << message.error().to_string();
        break;
    }
    EXPECT_FALSE(replication_->usable());
    EXPECT_EQ(replication_->poll(Millis(0)).error().code(), ErrorCode::kConnectionLost);
}

TEST_F(PostgresReplication, explains_a_slot_that_lost_its_wal) {
    start_stream({});
    ASSERT_TRUE(replication_->stop(Millis(10'000)).ok());
    run("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    run("SELECT pg_reload_conf()");
    for (int i = 0; i < 4; ++i) {
        run("SELECT pg_switch_wal()");
        run("CREATE TABLE filler" + std::to_string(i) + " AS SELECT 1");
    }
    run("CHECKPOINT");
    Status lost = replication_->start({.slot = "s", .publications = {"p"}});
    ASSERT_FALSE(lost.ok());
    EXPECT_EQ(lost.error().code(), ErrorCode::kSlotInvalidated) << lost.error().to_string();
    EXPECT_NE(lost.error().message().find("max_slot_wal_keep_size"), std::string::npos);
    EXPECT_TRUE((*read_slot(*connection_, "s"))->invalidated());
}

}  // namespace
}  // namespace tandem::postgres
