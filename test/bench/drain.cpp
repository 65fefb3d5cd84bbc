// What a reader of the stream can reach at best: takes pgoutput from the walsender by the project's
// own client, as the mirror does, and drops it. Prints the seconds until `END` was passed.
//
//     drain CONNINFO SLOT PUBLICATION END
#include <chrono>
#include <cstdio>

#include "base/lsn.h"
#include "postgres/client/replication.h"

namespace tandem {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kFeedback{1};

Status drain(const char* conninfo, const char* slot, const char* publication, Lsn end) {
    postgres::ConnectOptions connect;
    connect.conninfo = conninfo;
    auto replication = TRY(postgres::Replication::open(connect));
    postgres::StreamOptions stream;
    stream.slot = slot;
    stream.publications = {publication};
    stream.protocol_version = 1;
    Clock::time_point start = Clock::now();
    TRY(replication.start(stream));
    Lsn received;
    Clock::time_point reported = start;
    uint64_t messages = 0;
    while (received < end) {
        auto message = TRY(replication.poll(postgres::Millis(1000)));
        if (message) {
            if (auto* data = std::get_if<postgres::XLogData>(&*message))
                received = std::max(received, data->start);
            else
                received = std::max(received, std::get<postgres::Keepalive>(*message).server_end);
        }
        if (++messages % 1024 != 0 && message) continue;
        if (Clock::now() - reported < kFeedback) continue;
        reported = Clock::now();
        TRY(replication.send_feedback({.write = received, .flush = {}, .apply = {}}));
    }
    std::printf("%.3f\n", std::chrono::duration<double>(Clock::now() - start).count());
    return {};
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: drain CONNINFO SLOT PUBLICATION END\n");
        return 64;
    }
    auto end = tandem::parse_lsn(argv[4]);
    tandem::Status done =
        end.ok() ? tandem::drain(argv[1], argv[2], argv[3], *end) : std::move(end).error();
    if (done.ok()) return 0;
    std::fprintf(stderr, "%s\n", done.error().to_string().c_str());
    return 1;
}
