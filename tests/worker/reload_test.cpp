// Mirrors control/reload.hpp, but for workers that run and clients that ask: tests/e2e/reload_test.py.
#include "control/reload.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"
#include "tests/support/pipeline_lab.hpp"

namespace synward::control {
namespace {

using nlohmann::json;

class ReloadTest : public testing::Test {
 protected:
  ReloadTest() : hangup_{std::signal(SIGHUP, SIG_IGN)} {  // which ask() sends
    write(kWeb);
    auto [config, errors] = config::load(path_);
    EXPECT_THAT(errors, testing::IsEmpty());
    Roster roster{1500};
    roster.serve(config, Roster::Clock::now());
    auto policy = policy_of(roster, drop_list_of(config.drop_list));
    cores_.push_back(std::make_unique<CoreState>(
        cookie::SlotKeys{crypto::best_aes(), test::PipelineLab::ring(), test::kStartMs}, *policy,
        memory_.plan));
    workers_.emplace(cores_, ports_, steering_, Poll::kAdaptive);
    reload_.emplace(path_, Reload::Running{std::move(config), std::move(roster), std::move(policy)}, cores_,
                    *workers_);
  }
  ~ReloadTest() override {
    std::signal(SIGHUP, hangup_);
    std::filesystem::remove(path_);
  }
  void write(const std::string& services) const {
    std::ofstream{path_} << "[[port]]\nname = \"nic\"\ndevice = \"eth0\"\n" << services;
  }
  /// As after a SIGHUP, to its end.
  void read_anew() {
    reload_->begin();
    while (reload_->is_busy()) {
      reload_->look();
      for (const auto& core : cores_) core->take_orders();
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
  [[nodiscard]] std::string outcome(std::uint64_t number = 0) const {
    return reload_->json(number).at("outcome");
  }

  static constexpr const char *kWeb = "[[service]]\nname = \"web\"\naddress = \"198.18.0.1\"\nport = 443\n",
                              *kMail = "[[service]]\nname = \"mail\"\naddress = \"198.18.0.2\"\nport = 25\n";
  void (*hangup_)(int);
  const std::string path_ = std::filesystem::temp_directory_path() / ("reload-" + std::to_string(getpid()));
  test::OwnedPlan memory_{100, 16};
  std::vector<std::unique_ptr<CoreState>> cores_;
  const std::vector<std::unique_ptr<nic::Port>> ports_;
  const Steering steering_{{}, 1};
  std::optional<Workers> workers_;
  std::optional<Reload> reload_;
};

TEST_F(ReloadTest, EachIsToldItsOwnOutcomeWhateverEndedSince) {
  EXPECT_EQ(outcome(), "none");
  const auto first = reload_->ask(), second = reload_->ask();
  EXPECT_EQ(outcome(first), "none") << "it has not ended";
  write(kMail);
  read_anew();  // for both
  EXPECT_EQ(reload_->json().at("done"), second);
  read_anew();  // for the second one's signal
  EXPECT_EQ(outcome(), "unchanged");
  const auto third = reload_->ask();
  write("nothing");
  read_anew();
  EXPECT_EQ(outcome(), "invalid");
  for (const auto number : {first, second}) {
    EXPECT_EQ(outcome(number), "applied");
    EXPECT_EQ(reload_->json(number).at("lines").size(), 2u) << "one service less, and one more";
  }
  EXPECT_EQ(outcome(third), "invalid");
  EXPECT_EQ(reload_->json(first).at("done"), second);
  for (int n = 0; n < 20; ++n) read_anew();
  EXPECT_EQ(outcome(first), "invalid") << "nobody waits that long";
}

TEST_F(ReloadTest, ADropListIsMadeAnewOnlyWhenItIsAnother) {
  const std::string one = "[drop_list]\nsources = [\"198.18.7.0/24\"]\n",
                    other = "[drop_list]\nsources = []\n";
  write(kWeb + one);
  read_anew();
  const auto listed = reload_->policy()->drop_list;
  EXPECT_NE(listed, nullptr);
  write(kMail + one);
  read_anew();
  EXPECT_EQ(reload_->policy()->services.size(), 2u);
  EXPECT_EQ(reload_->policy()->drop_list, listed);
  write(kMail + other);
  read_anew();
  EXPECT_EQ(reload_->policy()->drop_list, nullptr);
}

TEST_F(ReloadTest, FailsWithoutAThreadAndSynwardGoesOn) {
  ASSERT_EQ(geteuid(), 0u) << "only root becomes somebody else";
  const auto without_threads = [this] {
    const rlimit none{0, 0};
    if (setrlimit(RLIMIT_NPROC, &none) != 0 || setuid(65534) != 0) _exit(2);  // root may have any number
    write(kMail);
    read_anew();
    const json told = reload_->json();
    const std::string services = reload_->policy()->services[0].name;
    std::fprintf(stderr, "%s, %s", told.dump().c_str(), services.c_str());
    _exit(0);
  };
  EXPECT_EXIT(without_threads(), testing::ExitedWithCode(0),
              R"("failed":1,"lines":."Resource temporarily unavailable".,"outcome":"failed".*, web)");
}

}  // namespace
}  // namespace synward::control
