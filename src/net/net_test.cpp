// Against sockets of the test's own: what every driver relies on when the other side is slow, gone
// or not what it should be.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "net/connect.h"
#include "net/lookup.h"

namespace tandem::net {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSoon{50};
constexpr milliseconds kLong{10'000};

// A port of this machine that accepts one connection.
class Listener {
  public:
    Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(listen(fd_, 1), 0);
        socklen_t size = sizeof address;
        EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
    }
    ~Listener() {
        hang_up();
        close(fd_);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    uint16_t port() const { return port_; }
    int accept() { return peer_ = ::accept(fd_, nullptr, nullptr); }
    void hang_up() {
        if (peer_ >= 0) close(peer_);
        peer_ = -1;
    }

  private:
    int fd_ = -1;
    int peer_ = -1;
    uint16_t port_ = 0;
};

class NetTest : public testing::Test {
  protected:
    void connect_both() {
        auto stream =
            connect({.host = "127.0.0.1", .port = listener_.port()}, Deadline::after(kLong));
        ASSERT_TRUE(stream.ok()) << stream.error().to_string();
        stream_ = *std::move(stream);
        peer_ = listener_.accept();
        ASSERT_GE(peer_, 0);
    }

    Listener listener_;
    std::unique_ptr<Stream> stream_;
    int peer_ = -1;
    std::array<char, 64> buffer_{};
};

TEST_F(NetTest, carries_bytes_both_ways_and_reports_the_end) {
    connect_both();
    ASSERT_TRUE(write_all(*stream_, "hello", Deadline::after(kLong)).ok());
    EXPECT_EQ(recv(peer_, buffer_.data(), buffer_.size(), 0), 5);
    ASSERT_EQ(send(peer_, "you", 3, MSG_NOSIGNAL), 3);
    auto got = read_some(*stream_, buffer_, Deadline::after(kLong));
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(std::string_view(buffer_.data(), *got), "you");
    listener_.hang_up();
    auto end = read_some(*stream_, buffer_, Deadline::after(kLong));
    ASSERT_TRUE(end.ok());
    EXPECT_EQ(*end, 0U);
}

TEST_F(NetTest, names_the_address_that_refuses) {
    uint16_t port = 0;
    {
        Listener gone;
        port = gone.port();
    }
    auto stream = connect({.host = "127.0.0.1", .port = port}, Deadline::after(kLong));
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.error().code(), ErrorCode::kConnectionFailed);
    EXPECT_NE(stream.error().to_string().find("127.0.0.1:" + std::to_string(port)),
              std::string::npos)
        << stream.error().to_string();
}

TEST_F(NetTest, waits_for_a_silent_peer_until_the_deadline_and_not_less) {
    connect_both();
    auto begun = Deadline::Clock::now();
    auto got = read_some(*stream_, buffer_, Deadline::after(kSoon));
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::kTimeout);
    EXPECT_GE(Deadline::Clock::now() - begun, kSoon);
}

TEST_F(NetTest, stops_writing_to_a_peer_that_does_not_read) {
    connect_both();
    std::string much(size_t{32} << 20, 'x');
    Status written = write_all(*stream_, much, Deadline::after(kSoon));
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code(), ErrorCode::kTimeout);
}

TEST_F(NetTest, returns_an_error_and_no_signal_when_the_peer_is_gone) {
    connect_both();
    listener_.hang_up();
    Status written;
    for (int i = 0; i < 1000 && written.ok(); ++i)
        written = write_all(*stream_, std::string(4096, 'x'), Deadline::after(kLong));
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code(), ErrorCode::kConnectionLost);
}

TEST_F(NetTest, is_woken_by_another_thread) {
    connect_both();
    Interrupter interrupter;
    std::jthread other([&] { interrupter.interrupt(); });
    auto got = read_some(*stream_, buffer_, Deadline::after(kLong), &interrupter);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), ErrorCode::kCancelled);
    other.join();
    // It holds until it is taken back.
    EXPECT_EQ(read_some(*stream_, buffer_, Deadline::after(kLong), &interrupter).error().code(),
              ErrorCode::kCancelled);
    interrupter.reset();
    EXPECT_EQ(read_some(*stream_, buffer_, Deadline::after(kSoon), &interrupter).error().code(),
              ErrorCode::kTimeout);
}

TEST_F(NetTest, takes_no_plain_server_for_one_with_tls) {
    std::jthread server([&] {
        int peer = listener_.accept();
        char byte = 0;
        if (recv(peer, &byte, 1, 0) == 1) send(peer, "220 hello\r\n", 11, MSG_NOSIGNAL);
    });
    auto stream = connect({.host = "127.0.0.1", .port = listener_.port(), .secure = true},
                          Deadline::after(kLong));
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.error().code(), ErrorCode::kTlsFailed) << stream.error().to_string();
}

TEST_F(NetTest, refuses_tls_files_that_are_not_there) {
    auto stream = start_connect({.host = "127.0.0.1",
                                 .port = listener_.port(),
                                 .secure = true,
                                 .tls = {.ca_file = "/nowhere/ca.pem"}});
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.error().code(), ErrorCode::kTlsFailed);
}

TEST(deadline, never_overflows_and_never_ends_early) {
    EXPECT_FALSE(Deadline::after(milliseconds::max()).expired());
    EXPECT_GT(Deadline::after(milliseconds::max()).poll_timeout_ms(), 1'000'000);
    EXPECT_TRUE(Deadline::after(milliseconds(-5)).expired());
    EXPECT_EQ(Deadline::after(milliseconds(-5)).remaining(), milliseconds(0));
    Deadline one(Deadline::Clock::now() + std::chrono::microseconds(900'500));
    EXPECT_GE(one.remaining(), milliseconds(800));
    EXPECT_LE(one.remaining(), milliseconds(901));
    EXPECT_EQ(earlier(one, Deadline::after(kLong)).at(), one.at());
}

TEST(BackgroundLookup, finds_addresses_without_anybody_waiting) {
    auto lookup = BackgroundLookup::start("localhost");
    ASSERT_TRUE(lookup.ok()) << lookup.error().to_string();
    pollfd waiting = {(*lookup)->socket(), POLLIN, 0};
    ASSERT_EQ(poll(&waiting, 1, 60'000), 1);
    const auto* result = (*lookup)->result();
    ASSERT_NE(result, nullptr);
    ASSERT_TRUE(result->ok()) << result->error().to_string();
    for (const std::string& address : **result) EXPECT_TRUE(is_numeric_host(address)) << address;
    // Dropped while it goes on: nothing waits, nothing leaks.
    ASSERT_TRUE(BackgroundLookup::start("name.invalid").ok());
}

TEST(BackgroundLookup, tells_numbers_from_names) {
    for (const char* number : {"127.0.0.1", "::1", "2001:db8::5"})
        EXPECT_TRUE(is_numeric_host(number)) << number;
    for (const char* name : {"localhost", "", "127.0.0", "db.example.org"})
        EXPECT_FALSE(is_numeric_host(name)) << name;
}

}  // namespace
}  // namespace tandem::net
