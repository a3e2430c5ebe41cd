// Mirrors control/stats_report.hpp and stats_server.hpp: the numbers, and the socket under clients that mean
// no good.
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "control/control_client.hpp"
#include "control/reload.hpp"
#include "control/stats_report.hpp"
#include "control/stats_server.hpp"
#include "control/unix_socket.hpp"

namespace synward::control {
namespace {

std::vector<CounterReading> two_cores() {
  std::vector<CounterReading> cores(2);
  cores[0].rx = 3;
  cores[0].route[std::size_t(Route::kSend)] = 1;
  cores[0].route[std::size_t(Route::kDrop)] = 2;
  cores[0].drop[std::size_t(Drop::kSynFin)] = 2;
  cores[1].rx = 4;
  cores[1].route[std::size_t(Route::kSend)] = 4;
  cores[1].event[std::size_t(Event::kSynAnswered)] = 4;
  cores[0].gauge[std::size_t(Gauge::kConnections6)] = 5;
  cores[1].gauge[std::size_t(Gauge::kConnections6)] = 6;
  return cores;
}

TEST(StatsReport, SumsCoresAndNamesEveryRow) {
  const auto stats = stats_json(two_cores(), 12.5);
  EXPECT_EQ(stats["total"]["rx"], 7);
  EXPECT_EQ(stats["total"]["sent"], 5);
  EXPECT_EQ(stats["total"]["drops"]["syn_fin"], 2);
  EXPECT_EQ(stats["total"]["drops"].size(), kCountOf<Drop> - 1);
  EXPECT_EQ(stats["total"]["routes"].size(), kCountOf<Route>);
  EXPECT_EQ(stats["cores"][1]["events"]["syn_answered"], 4);
  EXPECT_EQ(stats["total"]["gauges"]["connections6"], 11);
  EXPECT_EQ(stats["total"]["gauges"].size(), kCountOf<Gauge>);
  EXPECT_EQ(stats["total"]["balances"], true);
}

TEST(StatsReport, TellsAPersonWhatADropMeans) {
  const auto text = stats_text(stats_json(two_cores(), 12.5));
  EXPECT_NE(text.find("2  syn_fin                 SYN with FIN\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("xmas"), std::string::npos);
  EXPECT_NE(text.find("Every frame is accounted for."), std::string::npos);
}

TEST(StatsReport, ShowsPortsAndWhatTheyLost) {
  auto stats = stats_json(two_cores(), 1);
  const nlohmann::json outside{{"name", "outside"},
                               {"driver", "net_ice"},
                               {"receive_queues", 4},
                               {"link", "up"},
                               {"link_mbps", 25000},
                               {"rss", {{"ipv4", "verified"}, {"ipv6", "programmed"}}},
                               {"rx_missed", 31},
                               {"rx_no_packets", 0},
                               {"rx_errors", 0},
                               {"tx_errors", 0},
                               {"resets", 3},
                               {"resetting", false},
                               {"xstats", {{"rx_crc_errors", 12}, {"rx_good_packets", 99}}}};
  auto inside = outside;
  inside.update({{"name", "inside"},
                 {"link", "down"},
                 {"link_mbps", 0},
                 {"rx_missed", 0},
                 {"resets", 0},
                 {"xstats", {{"rx_crc_errors", 0}}}});
  inside["rss"]["ipv6"] = "verified";
  stats["ports"] = {outside, inside};
  const auto text = stats_text(stats);
  EXPECT_NE(
      text.find("outside         net_ice       link up, 25000 Mb/s, 4 queue(s), RSS verified over IPv4, "
                "programmed over IPv6\n            31  rx_missed     no descriptor was free"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("inside          net_ice       link down, 4 queue(s), RSS verified\n\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("             3  resets        the device began anew; the log says when\n"
                      "            12  rx_crc_errors: broken on the wire"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("rx_no_packets"), std::string::npos);
  EXPECT_EQ(text.find("rx_good_packets"), std::string::npos);
}

TEST(StatsReport, ShowsWhatIsRareOnlyWhenItHappened) {
  auto cores = two_cores();
  const auto usual = stats_text(stats_json(cores, 1));
  cores[0].taken_over = 31;
  cores[1].originated_dropped = 32;
  const auto rare = stats_text(stats_json(cores, 1));
  for (const char* label : {"31  taken_over ", "32  originated_dropped "})
    EXPECT_NE(rare.find(label), std::string::npos) << rare;
  for (const char* label : {"taken_over", "originated_dropped"})
    EXPECT_EQ(usual.find(label), std::string::npos) << usual;
}

TEST(StatsReport, AGaugeThatFellHasNoRate) {
  const auto before = stats_json(two_cores(), 10);
  auto cores = two_cores();
  cores[0].gauge[std::size_t(Gauge::kConnections6)] = 0;
  const auto text = stats_text(stats_json(cores, 12), before);
  EXPECT_NE(text.find("             6                connections6            connections over IPv6, until "
                      "the end of TIME-WAIT\n"),
            std::string::npos)
      << text;
}

TEST(StatsReport, TellsHowMuchGrewPerSecond) {
  auto cores = two_cores();
  const auto before = stats_json(cores, 10);
  cores[1].rx += 3000;
  const auto text = stats_text(stats_json(cores, 12), before);
  EXPECT_NE(text.find("          3007        1500/s  rx                      frames received\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("             2           0/s  syn_fin                 SYN with FIN\n"),
            std::string::npos)
      << text;
}

class Socket : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("synward-stats-" + std::to_string(getpid()));
    path_ = folder_ / "below" / "control.sock";  // a folder that is not there yet
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] static nlohmann::json answer() { return {{"hello", 1}}; }
  [[nodiscard]] static std::string no_port(std::size_t) { return "there is none"; }
  [[nodiscard]] static Requests requests() {
    return {.stats = answer,
            .reset_port = no_port,
            .health = [] { return nlohmann::json{}; },
            .drain = [](bool) {}};
  }
  /// A client that says `words` and then keeps the connection.
  [[nodiscard]] int client(const std::string& words) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(send(fd, words.data(), words.size(), MSG_NOSIGNAL), static_cast<ssize_t>(words.size()));
    return fd;
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(Socket, ServesThoseWhoAskAndLeavesNothingBehind) {
  {
    const StatsServer server{path_, requests()};
    EXPECT_EQ(ask_stats(path_)["hello"], 1);
    EXPECT_EQ(ask_stats(path_)["hello"], 1);
    struct stat file {};
    ASSERT_EQ(stat(path_.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777u, 0660u);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_THROW((void)ask_stats(path_), std::runtime_error);
}

/// A port "inside" beside another, which is reset as soon as somebody asks.
TEST_F(Socket, HasAPortResetAndWaitsForIt) {
  std::atomic<int> resets{4};
  const auto stats = [&] {
    auto ports = nlohmann::json::array({{{"name", "outside"}, {"resets", 0}}});
    ports.push_back({{"name", "inside"}, {"resets", resets.load()}});
    return nlohmann::json{{"ports", ports}};
  };
  const auto reset = [&](std::size_t port) -> std::string {
    if (port != 1) return "it has none";
    ++resets;
    return "";
  };
  const StatsServer server{path_, {.stats = stats, .reset_port = reset, .health = {}, .drain = {}}};
  reset_port(path_, "inside");
  EXPECT_EQ(resets, 5);
  try {
    reset_port(path_, "middle");
    FAIL() << "there is none";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "there is no port \"middle\"; there are: outside, inside");
  }
  try {
    reset_port(path_, "outside");
    FAIL() << "it has none";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "port \"outside\" is not reset: it has none");
  }
  for (const char* target : {"/ports/1/rese", "/ports/1", "/ports/", "/ports//reset", "/ports/-1/reset",
                             "/ports/99999999999999999999/reset", "/ports/1x/reset", "/ports/1/reset/"}) {
    const int fd = client(std::string{"POST "} + target + " HTTP/1.1\r\n\r\n");
    std::array<char, 64> said{};
    EXPECT_GT(recv(fd, said.data(), said.size() - 1, MSG_WAITALL), 0);
    EXPECT_TRUE(std::string_view{said.data()}.starts_with("HTTP/1.1 404 ")) << target;
    close(fd);
  }
  EXPECT_EQ(resets, 5);
}

constexpr std::chrono::milliseconds kAtOnce{1000};  // half of what a client that hangs is given

TEST_F(Socket, ServesOthersAtOnceWhateverClientsDo) {
  const StatsServer server{path_, requests()};
  std::vector<int> clients;
  clients.reserve(200);
  for (int i = 0; i < 200; ++i)
    clients.push_back(client(i % 3 == 0   ? ""
                             : i % 3 == 1 ? "GET /stats HTTP/1.1\r\nX:"
                                          : std::string(9000, '\x7f')));
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_EQ(ask_stats(path_)["hello"], 1);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, kAtOnce);
  for (const int fd : clients) close(fd);
}

TEST_F(Socket, ClosesAClientThatDripsAfterTwoSecondsInAll) {
  const StatsServer server{path_, requests()};
  const auto started = std::chrono::steady_clock::now();
  const int fd = client("GET /stats HTTP/1.1\r\nX:");
  const auto elapsed = [&] { return std::chrono::steady_clock::now() - started; };
  while (send(fd, "x", 1, MSG_NOSIGNAL) == 1 && elapsed() < std::chrono::seconds{10})
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
  EXPECT_GT(elapsed(), std::chrono::milliseconds{1900});
  EXPECT_LT(elapsed(), std::chrono::seconds{4});
  close(fd);
}

TEST_F(Socket, EndsAtOnceWhateverClientsDo) {
  auto server = std::make_unique<StatsServer>(path_, requests());
  std::vector<int> clients;
  clients.reserve(6);
  for (int i = 0; i < 6; ++i) clients.push_back(client("GET /stats HTTP/1.1\r\nX:"));
  EXPECT_EQ(ask_stats(path_)["hello"], 1);  // they were accepted before
  const auto ended = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - ended, kAtOnce);
  for (const int fd : clients) close(fd);
}

TEST_F(Socket, AnswersOnlyWhatItKnows) {
  const StatsServer server{path_, requests()};
  for (const auto& [request, status] :
       {std::pair{"GET /stats HTTP/1.0", "200"}, std::pair{"GET / HTTP/1.1", "404"},
        std::pair{"POST /stats HTTP/1.1", "405"}, std::pair{"GET /ports/1/reset HTTP/1.1", "405"},
        std::pair{"GET", "404"}, std::pair{"", "404"}}) {
    const int fd = client(std::string{request} + "\r\nHost: x\r\n\r\n");
    char text[13] = {};
    EXPECT_EQ(recv(fd, text, 12, MSG_WAITALL), 12);
    EXPECT_EQ(std::string{text}, std::string{"HTTP/1.1 "} + status);
    close(fd);
  }
}

TEST_F(Socket, GivesAnAnswerLongerThanTheSocketHolds) {
  const std::string long_text(4'000'000, 'a');
  const StatsServer server{path_, {[&] { return nlohmann::json{{"text", long_text}}; }, no_port, {}, {}}};
  EXPECT_EQ(ask_stats(path_)["text"], long_text);
}

std::string why_not(const std::string& path) {
  try {
    (void)ask_stats(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST_F(Socket, TellsWhyNobodyAnswers) {
  EXPECT_NE(why_not(path_).find("is it running"), std::string::npos);
  std::filesystem::create_directories(std::filesystem::path{path_}.parent_path());
  const UnixSocket silent;
  ASSERT_EQ(silent.bind(path_), 0);
  EXPECT_NE(why_not(path_).find("is it running"), std::string::npos);  // nobody listens
  ASSERT_EQ(listen(silent.get(), 8), 0);
  EXPECT_NE(why_not(path_).find("does not answer"), std::string::npos);
}

TEST_F(Socket, TellsWhoMayNotAskThatOthersMay) {
  const StatsServer server{path_, requests()};
  std::filesystem::permissions(folder_, std::filesystem::perms{0755});
  ASSERT_EQ(chmod(path_.c_str(), 0), 0);
  const uid_t user = geteuid();
  ASSERT_EQ(seteuid(user == 0 ? 65534 : user), 0);  // root may do everything
  const std::string why = why_not(path_);
  ASSERT_EQ(seteuid(user), 0);
  EXPECT_NE(why.find("use sudo"), std::string::npos) << why;
}

TEST_F(Socket, LetsItsGroupReadButNotReset) {
  int resets = 0;
  const auto reset = [&](std::size_t) -> std::string { return ++resets, ""; };
  const StatsServer server{path_,
                           {[] {
                              return nlohmann::json{{"ports", {{{"name", "x"}, {"resets", 0}}}}};
                            },
                            reset,
                            {},
                            [&](bool) { ++resets; },
                            [&] { return static_cast<std::uint64_t>(++resets); },
                            {}}};
  std::filesystem::permissions(folder_, std::filesystem::perms{0755});
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  const uid_t user = geteuid();
  ASSERT_EQ(user, 0u) << "this test is somebody else for a while";
  ASSERT_EQ(seteuid(65534), 0);
  const auto why = [](const auto& asks) -> std::string {
    try {
      asks();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  };
  const std::string no_reset = why([this] { reset_port(path_, "x"); }),
                    no_drain = why([this] { ask_to_drain(path_, true); }),
                    no_reload = why([this] { static_cast<void>(ask_to_reload(path_)); });
  ASSERT_EQ(seteuid(user), 0);
  EXPECT_EQ(no_reset, "port \"x\" is not reset: only root may, and the user who runs synward");
  EXPECT_EQ(no_drain, "not done: only root may, and the user who runs synward");
  EXPECT_EQ(no_reload, no_drain);
  EXPECT_EQ(resets, 0);
}

/// Of a reload that ends when it has been asked after twice.
TEST_F(Socket, HasTheConfigReadAnewAndWaitsForIt) {
  int asked_after = 0;
  Requests with_reload = requests();
  with_reload.reload = [] { return std::uint64_t{7}; };
  with_reload.reloads = [&](std::uint64_t number) {
    EXPECT_EQ(number, 7u);
    return nlohmann::json{{"done", ++asked_after < 3 ? 6 : 7}, {"outcome", "applied"}, {"lines", {"a: new"}}};
  };
  const StatsServer server{path_, std::move(with_reload)};
  const auto reload = ask_to_reload(path_);
  EXPECT_EQ(reload.at("done"), 7);
  EXPECT_EQ(asked_after, 3);
  EXPECT_EQ(reload_text(reload), "a: new\n");
}

TEST_F(Socket, ReplacesASocketThatNobodyServesAndNoOther) {
  std::filesystem::create_directories(std::filesystem::path{path_}.parent_path());
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    close(fd);  // as a process that was killed leaves it
  }
  const StatsServer server{path_, requests()};
  EXPECT_EQ(ask_stats(path_)["hello"], 1);
  EXPECT_THROW((StatsServer{path_, requests()}), std::runtime_error);
  EXPECT_EQ(ask_stats(path_)["hello"], 1);
  const std::string file = path_ + ".txt";
  std::ofstream{file} << "not ours";
  EXPECT_THROW((StatsServer{file, requests()}), std::runtime_error);
  EXPECT_TRUE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace synward::control
