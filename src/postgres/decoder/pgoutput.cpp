#include "postgres/decoder/pgoutput.h"

#include <string>

#include "base/bytes.h"

namespace tandem::postgres {

// Reads one payload. Failure is sticky: after the first short or wrong field every read gives zero
// and message() turns the first failure into the Error, so that the hot path carries no Results.
class PgoutputDecoder::Parser {
  public:
    Parser(PgoutputDecoder& decoder, std::string_view payload)
        : decoder_(decoder), begin_(payload.data()), at_(begin_), end_(begin_ + payload.size()) {}

    Result<Message> message() {
        type_ = integer<char>();
        Message message = body();
        if (failure_ == nullptr && at_ != end_) fail("bytes after the end");
        if (failure_ == nullptr) return message;
        return Error(ErrorCode::kMalformedData, describe_failure());
    }

  private:
    // --- fields
    // -----------------------------------------------------------------------------------
    size_t remaining() const { return static_cast<size_t>(end_ - at_); }

    void fail(const char* why) {
        if (failure_ == nullptr) {
            failure_ = why;
            failed_at_ = static_cast<size_t>(at_ - begin_);
        }
        at_ = end_;
    }

    std::string describe_failure() const {
        bool printable = type_ > ' ' && type_ <= '~';
        return "pgoutput message " +
               (printable ? std::string("'") + type_ + "'"
                          : "of type " + std::to_string(static_cast<unsigned char>(type_))) +
               ": " + failure_ + " at offset " + std::to_string(failed_at_) + " of " +
               std::to_string(end_ - begin_);
    }

    template <typename T>
    T integer() {
        if (remaining() < sizeof(T)) [[unlikely]] {
            fail("ends early");
            return 0;
        }
        T value = load_big<T>(at_);
        at_ += sizeof(T);
        return value;
    }

    Lsn lsn() { return {integer<uint64_t>()}; }
    Oid oid() { return {integer<uint32_t>()}; }
    Xid xid() { return {integer<uint32_t>()}; }
    PgTime time() { return {integer<int64_t>()}; }
    // Changes inside a streamed block say which (sub)transaction they belong to.
    Xid stream_xid() { return decoder_.in_stream_ ? xid() : Xid{}; }

    std::string_view c_string() {
        const void* nul = std::memchr(at_, 0, remaining());
        if (nul == nullptr) [[unlikely]] {
            fail("text without end");
            return {};
        }
        std::string_view text(at_, static_cast<size_t>(static_cast<const char*>(nul) - at_));
        at_ += text.size() + 1;
        return text;
    }

    // Postgres leaves out the name of its own schema.
    std::string_view schema() {
        std::string_view name = c_string();
        return name.empty() ? std::string_view("pg_catalog") : name;
    }

    void unused_flags() {
        if (integer<uint8_t>() != 0) fail("unknown flags");
    }

    // --- tuples
    // -----------------------------------------------------------------------------------
    Tuple tuple(std::vector<TupleValue>& storage) {
        size_t count = integer<uint16_t>();
        if (count > remaining()) {  // a column takes one byte at least
            fail("more columns than bytes");
            return {};
        }
        storage.resize(count);
        for (TupleValue& value : storage) read_value(value);
        return storage;
    }

    void read_value(TupleValue& value) {
        char kind = integer<char>();
        if (kind == 't' || kind == 'b') [[likely]] {
            size_t size = integer<uint32_t>();
            if (size > remaining()) [[unlikely]]
                return fail("value ends early");
            value.kind = kind == 't' ? ValueKind::text : ValueKind::binary;
            value.bytes = {at_, size};
            at_ += size;
            return;
        }
        value.bytes = {};
        value.kind = kind == 'u' ? ValueKind::unchanged_toast : ValueKind::null;
        if (kind != 'n' && kind != 'u') fail("unknown kind of column");
    }

    // --- messages
    // ---------------------------------------------------------------------------------
    Message body() {
        switch (type_) {
            case 'I':
                return insert();
            case 'U':
                return update();
            case 'D':
                return remove();
            case 'R':
                return relation();
            case 'Y':
                return type();
            case 'T':
                return truncate();
            case 'M':
                return logical_message();
            case 'O':
                return Origin{.commit_lsn = lsn(), .name = c_string()};
            case 'E':
                return stream_stop();
            default:
                return boundary();
        }
    }

    // Messages that begin or end a transaction; none of them may stand inside a streamed block.
    Message boundary() {
        if (decoder_.in_stream_) {
            fail("not allowed inside a streamed block");
            return {};
        }
        if (type_ == 'B') return Begin{.final_lsn = lsn(), .commit_time = time(), .xid = xid()};
        if (type_ == 'C') return commit();
        if (decoder_.protocol_version_ >= 2) {
            if (type_ == 'S') return stream_start();
            if (type_ == 'c') return stream_commit();
            if (type_ == 'A') return stream_abort();
        }
        if (decoder_.protocol_version_ >= 3) {
            if (type_ == 'b') return begin_prepare();
            if (type_ == 'P' || type_ == 'p') return prepare();
            if (type_ == 'K') return commit_prepared();
            if (type_ == 'r') return rollback_prepared();
        }
        fail("unknown in this protocol version");
        return {};
    }

    void expect(char wanted) {
        if (integer<char>() != wanted) fail("unknown kind of tuple");
    }

    Message insert() {
        Insert insert{.stream_xid = stream_xid(), .relation = oid(), .row = {}};
        expect('N');
        insert.row = tuple(decoder_.new_values_);
        return insert;
    }

    Message update() {
        Update update{.stream_xid = stream_xid(), .relation = oid(), .old = {}, .row = {}};
        char kind = integer<char>();
        if (kind == 'K' || kind == 'O') {
            update.old_kind = kind == 'K' ? OldTuple::key : OldTuple::full;
            update.old = tuple(decoder_.old_values_);
            kind = integer<char>();
        }
        if (kind != 'N') fail("unknown kind of tuple");
        update.row = tuple(decoder_.new_values_);
        return update;
    }

    Message remove() {
        Delete remove{.stream_xid = stream_xid(), .relation = oid(), .old = {}};
        char kind = integer<char>();
        if (kind != 'K' && kind != 'O') fail("unknown kind of tuple");
        remove.old_kind = kind == 'K' ? OldTuple::key : OldTuple::full;
        remove.old = tuple(decoder_.old_values_);
        return remove;
    }

    Message relation() {
        Relation relation{.stream_xid = stream_xid(),
                          .oid = oid(),
                          .schema = schema(),
                          .name = c_string(),
                          .replica_identity = integer<char>(),
                          .columns = {}};
        size_t count = integer<uint16_t>();
        if (count > remaining() / 10) {  // flags, empty name, type and modifier
            fail("more columns than bytes");
            return relation;
        }
        decoder_.columns_.resize(count);
        for (RelationColumn& column : decoder_.columns_) {
            column.key = (integer<uint8_t>() & 1) != 0;
            column.name = c_string();
            column.type = oid();
            column.typmod = integer<int32_t>();
        }
        relation.columns = decoder_.columns_;
        return relation;
    }

    Message type() {
        return Type{
            .stream_xid = stream_xid(), .oid = oid(), .schema = schema(), .name = c_string()};
    }

    Message truncate() {
        Truncate truncate{.stream_xid = stream_xid(), .relations = {}};
        size_t count = integer<uint32_t>();
        uint8_t flags = integer<uint8_t>();
        truncate.cascade = (flags & 1) != 0;
        truncate.restart_identity = (flags & 2) != 0;
        if (count > remaining() / sizeof(uint32_t)) {
            fail("more tables than bytes");
            return truncate;
        }
        decoder_.relations_.resize(count);
        for (Oid& relation : decoder_.relations_) relation = oid();
        truncate.relations = decoder_.relations_;
        return truncate;
    }

    Message logical_message() {
        LogicalMessage message{.stream_xid = stream_xid(),
                               .transactional = (integer<uint8_t>() & 1) != 0,
                               .lsn = lsn(),
                               .prefix = c_string(),
                               .content = {}};
        size_t size = integer<uint32_t>();
        if (size > remaining()) {
            fail("content ends early");
            return message;
        }
        message.content = {at_, size};
        at_ += size;
        return message;
    }

    Message commit() {
        unused_flags();
        return Commit{.commit_lsn = lsn(), .end_lsn = lsn(), .commit_time = time()};
    }

    Message stream_start() {
        StreamStart start{.xid = xid(), .first_segment = integer<uint8_t>() == 1};
        if (failure_ == nullptr) decoder_.in_stream_ = true;
        return start;
    }

    Message stream_stop() {
        if (!decoder_.in_stream_) fail("no streamed block is open");
        decoder_.in_stream_ = false;
        return StreamStop{};
    }

    Message stream_commit() {
        StreamCommit commit;
        commit.xid = xid();
        unused_flags();
        commit.commit_lsn = lsn();
        commit.end_lsn = lsn();
        commit.commit_time = time();
        return commit;
    }

    Message stream_abort() {
        StreamAbort abort;
        abort.xid = xid();
        abort.subxid = xid();
        // Position and time come with streaming 'parallel' only, which nothing announces here.
        if (decoder_.protocol_version_ >= 4 && at_ != end_) {
            abort.abort_lsn = lsn();
            abort.abort_time = time();
        }
        return abort;
    }

    Message begin_prepare() {
        return BeginPrepare{.prepare_lsn = lsn(),
                            .end_lsn = lsn(),
                            .prepare_time = time(),
                            .xid = xid(),
                            .gid = c_string()};
    }

    Message prepare() {
        unused_flags();
        return Prepare{.prepare_lsn = lsn(),
                       .end_lsn = lsn(),
                       .prepare_time = time(),
                       .xid = xid(),
                       .gid = c_string(),
                       .streamed = type_ == 'p'};
    }

    Message commit_prepared() {
        unused_flags();
        return CommitPrepared{.commit_lsn = lsn(),
                              .end_lsn = lsn(),
                              .commit_time = time(),
                              .xid = xid(),
                              .gid = c_string()};
    }

    Message rollback_prepared() {
        unused_flags();
        return RollbackPrepared{.prepare_end_lsn = lsn(),
                                .rollback_end_lsn = lsn(),
                                .prepare_time = time(),
                                .rollback_time = time(),
                                .xid = xid(),
                                .gid = c_string()};
    }

    PgoutputDecoder& decoder_;
    const char* begin_;
    const char* at_;
    const char* end_;
    const char* failure_ = nullptr;
    size_t failed_at_ = 0;
    char type_ = 0;
};

Result<Message> PgoutputDecoder::decode(std::string_view payload) {
    return Parser(*this, payload).message();
}

}  // namespace tandem::postgres
