#include "control/control_client.hpp"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <httplib.h>
#include <stdexcept>
#include <thread>

#include "control/unix_socket.hpp"

namespace synward::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};  // with the server

/// Why nobody answers at `path` as a synward would.
[[noreturn]] void refused(const std::string& path) {
  const int refusal = UnixSocket{}.connect(path);
  if (refusal == EACCES) {
    throw std::runtime_error("you may not ask at " + path +
                             ": its owner and its group may; use sudo, or join the group");
  }
  if (refusal == 0 || refusal == EAGAIN) {
    throw std::runtime_error("whoever serves " + path +
                             " does not answer: is this a synward's control socket, and is it stopped?");
  }
  throw std::runtime_error("no synward answers at " + path +
                           ": is it running, and is this its control socket? (--socket, $SYNWARD_SOCKET)");
}

httplib::Client client_of(const std::string& path) {
  httplib::Client client{path};
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(kPatience.count());
  return client;
}

const httplib::Headers kHeaders{{"Host", "localhost"}};

/// What was answered to somebody whose wish was not granted.
[[noreturn]] void not_done(const httplib::Response& answer) {
  throw std::runtime_error("not done: " + answer.body.substr(0, answer.body.find('\n')));
}

httplib::Result post(const std::string& path, const std::string& target) {
  auto answer = client_of(path).Post(target, kHeaders, "", "text/plain");
  if (!answer) refused(path);
  return answer;
}

}  // namespace

nlohmann::json ask_stats(const std::string& path) {
  const auto answer = client_of(path).Get("/stats", kHeaders);
  if (!answer || answer->status != 200) refused(path);
  return nlohmann::json::parse(answer->body);
}

nlohmann::json ask_health(const std::string& path) {
  const auto answer = client_of(path).Get("/health", kHeaders);
  if (!answer || (answer->status != 200 && answer->status != 503)) refused(path);
  return nlohmann::json::parse(answer->body);
}

void ask_to_drain(const std::string& path, bool on) {
  const auto answer = post(path, on ? "/drain" : "/undrain");
  if (answer->status != 202) not_done(*answer);
}

nlohmann::json ask_to_reload(const std::string& path) {
  const auto asked = post(path, "/reload");
  if (asked->status != 202) not_done(*asked);
  const std::uint64_t number = std::stoull(asked->body);
  constexpr std::chrono::seconds kLongest{10};
  constexpr std::chrono::milliseconds kBetween{5};
  for (const auto limit = Clock::now() + kLongest; Clock::now() < limit;
       std::this_thread::sleep_for(kBetween)) {
    const auto answer = client_of(path).Get("/reload/" + std::to_string(number), kHeaders);
    if (!answer || answer->status != 200) refused(path);
    auto reload = nlohmann::json::parse(answer->body);
    if (reload.at("done") >= number) return reload;
  }
  throw std::runtime_error("it has not ended yet: `synward health` and the log of synward say more");
}

void reset_port(const std::string& path, const std::string& name) {
  const auto before = ask_stats(path).at("ports");
  std::size_t number = 0;
  std::string names;
  for (; number < before.size() && before[number].at("name") != name; ++number)
    names += (names.empty() ? "" : ", ") + before[number].at("name").get<std::string>();
  if (number == before.size())
    throw std::runtime_error("there is no port \"" + name + "\"; there are: " + names);
  const std::uint64_t resets = before[number].at("resets");
  const auto answer = post(path, "/ports/" + std::to_string(number) + "/reset");
  if (answer->status != 202)
    throw std::runtime_error("port \"" + name +
                             "\" is not reset: " + answer->body.substr(0, answer->body.find('\n')));
  constexpr std::chrono::seconds kLongest{40};  // synward gives up before, and ends
  constexpr std::chrono::milliseconds kBetween{50};
  const auto limit = Clock::now() + kLongest;
  const auto is_done = [&] {
    try {
      return ask_stats(path).at("ports").at(number).at("resets") > resets;
    } catch (const std::runtime_error&) {
      throw std::runtime_error("port \"" + name +
                               "\" did not come back, and synward ended; its log says why");
    }
  };
  while (!is_done()) {
    if (Clock::now() > limit)
      throw std::runtime_error("port \"" + name + "\" has not come back; the log of synward says more");
    std::this_thread::sleep_for(kBetween);
  }
}

TraceClient::TraceClient(const std::string& path, const std::string& query) : path_{path} {
  constexpr std::chrono::seconds kLongest{4};  // of one whose client is gone, synward notices it
  constexpr std::chrono::milliseconds kBetween{100};
  const std::string target = query.empty() ? "/trace" : "/trace?" + query;
  const auto limit = Clock::now() + kLongest;
  auto answer = post(path, target);
  for (; answer->status == 409 && Clock::now() < limit; answer = post(path, target))
    std::this_thread::sleep_for(kBetween);
  if (answer->status != 200) not_done(*answer);
  target_ = "/trace/" + std::to_string(std::stoull(answer->body));
}

TraceClient::~TraceClient() { client_of(path_).Post(target_ + "/end", kHeaders, "", "text/plain"); }

nlohmann::json TraceClient::take() const {
  const auto answer = post(path_, target_);
  if (answer->status != 200) not_done(*answer);
  return nlohmann::json::parse(answer->body);
}

}  // namespace synward::control
