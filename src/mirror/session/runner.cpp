// A session: the threads of one mirror from one position on, until an error ends it or somebody
// asks for the end. Nothing in memory outlives it; what the next one finds in the catalog and in
// ClickHouse is all it goes on with. The runner starts sessions until one ends in a way that no
// retry mends.
#include "mirror/session/runner.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/back_off.h"
#include "base/log.h"
#include "base/retry_policy.h"
#include "metrics/metrics.h"
#include "mirror/session/ownership.h"
#include "mirror/session/parts.h"
#include "mirror/source/publication.h"
#include "sqltext/quote.h"

namespace tandem::mirror {

postgres::ConnectOptions connect_options(const RunnerOptions& options, std::string_view role) {
    postgres::ConnectOptions connect;
    connect.conninfo = options.source;
    connect.application_name = session_name(options.mirror_id, options.owner) + std::string(role);
    return connect;
}

std::string query_prefix(const RunnerOptions& options) {
    // Mirror ids repeat from catalog to catalog.
    return "tandem_mirror_" + options.catalog.substr(0, 8) + "_" +
           std::to_string(options.mirror_id) + "_";
}

TargetOptions target_options(const RunnerOptions& options, bool bulk) {
    TargetOptions target;
    target.endpoint = options.target;
    target.query_prefix = query_prefix(options) + (bulk ? "load" : "stream");
    bool local = options.target.host == "127.0.0.1" || options.target.host == "::1" ||
                 options.target.host == "localhost";
    target.on_insert = [metrics = metrics::of_mirror(options.name)](size_t rows,
                                                                    size_t bytes) mutable {
        metrics.inserts.add();
        metrics.insert_rows.add(rows);
        metrics.insert_bytes.add(bytes);
    };
    target.compression = local ? clickhouse::Compression::kNone : clickhouse::Compression::kLz4;
    return target;
}

void Backoff::wait(std::stop_token stop) {
    back_off(next_, stop);
    next_ = std::min(next_ * 2, kLast);
}

// --- HandOver ---------------------------------------------------------------------------------

HandOver::HandOver() : wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
HandOver::~HandOver() {
    close(wake_fd_);
}

void HandOver::wake() {
    uint64_t one = 1;
    static_cast<void>(!write(wake_fd_, &one, sizeof one));
}

void HandOver::drain_wake() {
    uint64_t count = 0;
    static_cast<void>(!read(wake_fd_, &count, sizeof count));
}

bool HandOver::free() const {
    MutexLock lock(mutex_);
    return !batch_ && !applying_;
}

void HandOver::give(Batch batch) {
    MutexLock lock(mutex_);
    batch_ = std::move(batch);
    changed_.notify_all();
}

Lsn HandOver::applied() const {
    MutexLock lock(mutex_);
    return applied_;
}

void HandOver::set_published(Lsn position) {
    MutexLock lock(mutex_);
    published_ = std::max(published_, position);
}

Lsn HandOver::published() const {
    MutexLock lock(mutex_);
    return published_;
}

void HandOver::set_promised(Lsn position) {
    MutexLock lock(mutex_);
    promised_ = std::max(promised_, position);
}

Lsn HandOver::promised() const {
    MutexLock lock(mutex_);
    return promised_;
}

std::vector<Oid> HandOver::take_failed() {
    MutexLock lock(mutex_);
    return std::exchange(failed_, {});
}

std::optional<Error> HandOver::error() const {
    MutexLock lock(mutex_);
    return error_;
}

std::optional<Batch> HandOver::take(std::stop_token stop) {
    MutexLock lock(mutex_);
    while (!batch_)
        if (!changed_.wait(mutex_, stop)) return std::nullopt;
    applying_ = true;
    return std::exchange(batch_, std::nullopt);
}

void HandOver::done(Lsn applied, std::vector<Oid> failed) {
    MutexLock lock(mutex_);
    applying_ = false;
    applied_ = std::max(applied_, applied);
    failed_.insert(failed_.end(), failed.begin(), failed.end());
    wake();
}

void HandOver::fail(Error error) {
    MutexLock lock(mutex_);
    if (!error_) error_ = std::move(error);
    wake();
}

void HandOver::add_catching_up(Part part, Lsn position) {
    MutexLock lock(mutex_);
    catching_up_[part] = position;
    wake();
}

std::vector<Part> HandOver::take_consistent(Lsn applied) {
    MutexLock lock(mutex_);
    std::vector<Part> consistent;
    for (auto at = catching_up_.begin(); at != catching_up_.end();) {
        if (at->second > applied) {
            ++at;
            continue;
        }
        consistent.push_back(at->first);
        at = catching_up_.erase(at);
    }
    return consistent;
}

// --- identity ---------------------------------------------------------------------------------

Result<Lsn> IdentityLog::write(ClickHouseTarget& target, const std::string& database, Lsn position,
                               Lsn promised, Lsn recorded) {
    MutexLock lock(mutex_);
    last_.position = std::max(last_.position, position);
    last_.promised = std::max({last_.promised, last_.position, promised});
    last_.recorded = std::max(last_.recorded, recorded);
    TRY(target.write_identity(database, last_, first_sequence(last_.owner) + ++written_));
    return last_.promised;
}

Status IdentityLog::close(ClickHouseTarget& target, const std::string& database, Lsn position) {
    MutexLock lock(mutex_);
    last_.position = std::max(last_.position, position);
    last_.promised = last_.position;
    return target.write_identity(database, last_, first_sequence(last_.owner) + ++written_);
}

// --- session ----------------------------------------------------------------------------------

namespace {

// What has to be known before the first connection that carries the owner's number.
Status begin_session(RunnerOptions& options) {
    postgres::ConnectOptions connect = connect_options(options, "control");
    connect.application_name = "tandem control";
    auto connection = TRY(postgres::Connection::open(connect));
    auto catalog = TRY(connection.query("SELECT catalog_id FROM tandem.catalog_identity"));
    if (catalog.rows() != 1) return Error(ErrorCode::kInternal, "the catalog has no identity");
    options.catalog = catalog.text(0, 0);
    options.owner = TRY(take_ownership(connection, options.mirror_id, options.lease_backend))
    .number;
    return {};
}

Status run_session(const RunnerOptions& options, CatalogStore& catalog, std::stop_token stop) {
    SessionTables tables;
    DeltaBook book(options.folding);
    {
        ClickHouseTarget target(target_options(options, false));
        tables = TRY(prepare_session(options, catalog, target, book));
    }
    ChunkQueue chunks;
    HandOver hand_over;
    hand_over.set_published(tables.position);
    IdentityLog identity(tables.identity);
    hand_over.set_promised(tables.identity.promised);
    for (const auto& [part, position] : tables.catching_up)
        hand_over.add_catching_up(part, position);
    // Moved: whoever has read the last chunk of a table ends its snapshot.
    for (auto& [part, list] : std::exchange(tables.chunks, {}))
        chunks.add(tables.known.at(part.relid.value), std::move(list), part.leaf);

    std::stop_source stop_threads;
    Status streamed;
    {
        std::vector<std::jthread> threads;
        threads.emplace_back([&] {
            run_apply_thread(options, tables, chunks, book, hand_over, identity,
                             stop_threads.get_token());
        });
        threads.emplace_back([&] {
            run_fold_thread(options, tables, book, hand_over, identity, stop_threads.get_token());
        });
        threads.emplace_back(
            [&] { run_watch_thread(options, tables, hand_over, stop_threads.get_token()); });
        for (int i = 0; i < options.snapshot_workers; ++i)
            threads.emplace_back([&] {
                run_snapshot_worker(options, tables, chunks, hand_over, stop_threads.get_token());
            });
        streamed = run_stream(options, tables, book, hand_over, identity, stop);
        stop_threads.request_stop();
        chunks.close();
    }
    return streamed;
}

}  // namespace

RunnerEnd MirrorRunner::run(std::stop_token stop) {
    LogScope scope("mirror", options_.name);
    Backoff backoff;
    while (!stop.stop_requested()) {
        auto begun = std::chrono::steady_clock::now();
        metrics::of_mirror(options_.name).sessions.add();
        RunnerOptions session = options_;
        Status ended = begin_session(session);
        CatalogStore catalog({connect_options(session, "control"), session.mirror_id,
                              session.chunk_blocks, session.owner},
                             nullptr);
        if (ended.ok()) ended = run_session(session, catalog, stop);
        if (ended.ok()) break;
        const Error& error = ended.error();
        log(LogLevel::warning, "mirror", error.to_string());
        metrics::count_error(options_.name, error.info().code);
        if (error.code() == ErrorCode::kLeaseLost) return RunnerEnd::stopped;
        if (session.owner != 0) {
            if (action_for(error, Place::session) == Action::stop) {
                if (catalog.set_mirror_state("failed", &error).ok()) return RunnerEnd::failed;
            } else {
                static_cast<void>(catalog.set_mirror_state("running", &error).ok());
            }
        }
        if (std::chrono::steady_clock::now() - begun > std::chrono::seconds(30)) backoff.reset();
        backoff.wait(stop);
    }
    return RunnerEnd::stopped;
}

namespace {

// The database in ClickHouse may be another source's from now on. Nobody waits for it: ClickHouse
// may be away, and then a person has to drop the database.
void release_target(RunnerOptions options, MirrorRow mirror) {
    std::thread([options = std::move(options), mirror = std::move(mirror)] {
        ClickHouseTarget target(target_options(options, false));
        StoredIdentity released;
        released.catalog = options.catalog;
        released.mirror = mirror.id;
        Status done = target.write_identity(mirror.database, released,
                                            IdentityLog::first_sequence(mirror.owner + 1));
        if (!done.ok())
            log(LogLevel::warning, "mirror", "leaving ClickHouse: " + done.error().to_string());
    }).detach();
}

}  // namespace

Status drop_mirror(RunnerOptions options) {
    std::string id = std::to_string(options.mirror_id);
    CatalogStore catalog({connect_options(options, "control"), options.mirror_id, 1, 0}, nullptr);
    MirrorRow mirror = TRY(catalog.read_mirror());
    postgres::Connection* connection = TRY(catalog.connection());
    auto slot = TRY(postgres::read_slot(*connection, mirror.slot));
    auto here = TRY(
        connection->query("SELECT current_database(), catalog_id FROM tandem.catalog_identity"));
    // Another database of the cluster may have one of the name.
    if (slot && here.rows() == 1 && slot->database == here.value(0, 0)) {
        auto replication = TRY(postgres::Replication::open(connect_options(options, "control")));
        TRY(replication.drop_slot(mirror.slot, true));
    }
    TRY(drop_publication(*connection, mirror.publication));
    TRY(connection->execute("DELETE FROM tandem.mirror WHERE mirror_id = " + id));
    if (here.rows() == 1) options.catalog = here.text(0, 1);
    if (mirror.owner_known != 0) release_target(std::move(options), std::move(mirror));
    return {};
}

}  // namespace tandem::mirror
