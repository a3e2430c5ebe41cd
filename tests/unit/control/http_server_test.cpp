// Mirrors control/http_server.hpp: nothing that clients do, and nothing that the answer throws, ends the
// server or keeps it from the next client.
#include "control/http_server.hpp"

#include <array>
#include <chrono>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/unix_socket.hpp"

namespace synward::control {
namespace {

using testing::EndsWith;
using testing::StartsWith;

/// More than a socket holds, so that it is answered for as long as it does not read.
constexpr std::size_t kLongBody = 4'000'000;

std::string answer(const HttpRequest& request) {
  if (request.target == "/throws") throw std::runtime_error("no numbers");
  if (request.target == "/no_memory") throw std::bad_alloc();
  if (request.target == "/throws_a_number") throw 7;
  const std::string body =
      request.target == "/long" ? std::string(kLongBody, 'x') : std::string{request.target};
  return http_response(request.method == "GET" ? "200 OK" : "405 Method Not Allowed", "text/plain", body);
}

class Http : public testing::Test {
 protected:
  static Descriptor listening(const std::string& name) {
    UnixSocket socket;
    EXPECT_EQ(socket.bind(name), 0);
    EXPECT_EQ(::listen(socket.get(), SOMAXCONN), 0);
    return socket;
  }
  [[nodiscard]] UnixSocket connect() const {
    UnixSocket client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(client.connect(name_), 0);
    return client;
  }
  static void send(const UnixSocket& client, const std::string& request) {
    EXPECT_EQ(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
  }
  static std::string rest(const UnixSocket& client) {
    std::string text;
    std::array<char, 65536> bytes;
    for (ssize_t count = 0; (count = ::recv(client.get(), bytes.data(), bytes.size(), 0)) > 0;)
      text.append(bytes.data(), static_cast<std::size_t>(count));
    return text;
  }
  [[nodiscard]] std::string ask(const std::string& method, const std::string& target) const {
    const auto client = connect();
    send(client, method + " " + target + " HTTP/1.1\r\n\r\n");
    return rest(client);
  }

  const std::string name_ = std::string{'\0'} + "synward-http-test-" + std::to_string(::getpid());
  const HttpServer server_{listening(name_), answer};
};

TEST_F(Http, WhatTheAnswerThrowsIsA500AndTheNextOneIsServed) {
  for (const char* target : {"/throws", "/no_memory", "/throws_a_number"})
    EXPECT_THAT(ask("GET", target), StartsWith("HTTP/1.1 500 ")) << target;
  EXPECT_THAT(ask("GET", "/fine"), EndsWith("\r\n\r\n/fine"));
}

TEST_F(Http, TheTargetIsWithoutItsQuery) {
  EXPECT_THAT(ask("GET", "/metrics?x=1&y"), EndsWith("\r\n\r\n/metrics"));
  EXPECT_THAT(ask("GET", "/?"), EndsWith("\r\n\r\n/"));
}

TEST_F(Http, HeadIsGetWithoutTheBody) {
  const auto head = ask("HEAD", "/four");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_NE(head.find("\r\nContent-Length: 5\r\n"), std::string::npos);
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  EXPECT_THAT(ask("POST", "/four"), StartsWith("HTTP/1.1 405 "));
}

TEST_F(Http, IdleConnectionsPushOutEachOtherAndNobodyWhoIsAnswered) {
  const auto answered = connect();
  send(answered, "GET /long HTTP/1.1\r\n\r\n");
  std::array<char, 1> first;
  ASSERT_EQ(::recv(answered.get(), first.data(), first.size(), 0), 1);
  constexpr std::size_t kIdle = 70;
  std::vector<UnixSocket> idle;
  idle.reserve(kIdle);
  for (std::size_t n = 0; n < kIdle; ++n) idle.push_back(connect());
  EXPECT_THAT(ask("GET", "/then"), EndsWith("/then"));  // so all before it were accepted
  EXPECT_EQ(::recv(idle.front().get(), first.data(), first.size(), MSG_DONTWAIT), 0) << "the oldest is gone";
  EXPECT_EQ(::recv(idle.back().get(), first.data(), first.size(), MSG_DONTWAIT), -1) << "the newest is not";
  EXPECT_GT(rest(answered).size(), kLongBody);
}

std::chrono::microseconds time_used() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return std::chrono::seconds{used.ru_utime.tv_sec + used.ru_stime.tv_sec} +
         std::chrono::microseconds{used.ru_utime.tv_usec + used.ru_stime.tv_usec};
}

TEST_F(Http, WhoHasJustComeIsNotPushedOut) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kIdle = 100;
  for (auto took = Clock::duration::max();
       took > std::chrono::milliseconds{15};) {  // the machine may be busy
    std::vector<UnixSocket> idle;
    idle.reserve(kIdle);
    const auto begun = Clock::now();
    const auto honest = connect();
    for (std::size_t n = 0; n < kIdle; ++n) idle.push_back(connect());
    std::this_thread::sleep_for(std::chrono::milliseconds{5});  // while these are let in
    constexpr std::string_view kAsks = "GET /late HTTP/1.1\r\n\r\n";
    const bool sent = ::send(honest.get(), kAsks.data(), kAsks.size(), MSG_NOSIGNAL) > 0;
    const std::string answered = sent ? rest(honest) : "";
    took = Clock::now() - begun;
    if (took < std::chrono::milliseconds{15}) {
      EXPECT_THAT(answered, EndsWith("/late"));
    }
    EXPECT_THAT(ask("GET", "/then"), EndsWith("/then")) << "who comes behind them all has its turn";
  }
}

TEST_F(Http, RestsWhenNoDescriptorIsLeftAndServesOnceThereIs) {
  const std::string name = name_;  // UBSan, which looks at the type of `this`, wants descriptors too
  const auto client = UnixSocket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int next = ::dup(client.get());
  ::close(next);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto used_before = time_used();
  EXPECT_EQ(client.connect(name), 0);
  send(client, "GET /late HTTP/1.1\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds{600});
  EXPECT_LT(time_used() - used_before, std::chrono::milliseconds{60});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(rest(client), EndsWith("/late"));
}

}  // namespace
}  // namespace synward::control
