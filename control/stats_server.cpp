#include "control/stats_server.hpp"

#include <filesystem>
#include <httplib.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

namespace synward::control {
namespace {

constexpr time_t kPatienceSeconds = 2;
constexpr std::size_t kThreads = 4, kRequestBytes = 4096;

/// Whether a process accepts connections at `path`.
bool somebody_serves(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const bool served =
      fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (fd >= 0) ::close(fd);
  return served;
}

void make_room_for(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(fs::path{path}.parent_path(), error);
  const auto status = fs::symlink_status(path, error);
  if (!fs::exists(status)) return;
  if (!fs::is_socket(status))
    throw std::runtime_error("control socket " + path + ": a file of another kind is there");
  if (somebody_serves(path)) {
    throw std::runtime_error("control socket " + path +
                             ": another synward serves it; give this one a [control] socket of its own");
  }
  fs::remove(path, error);
}

}  // namespace

struct StatsServer::Impl {
  std::string path;
  httplib::Server server;
  std::thread thread;
};

StatsServer::StatsServer(const std::string& path, std::function<nlohmann::json()> stats)
    : impl_{std::make_unique<Impl>()} {
  make_room_for(path);
  impl_->path = path;
  httplib::Server& server = impl_->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };  // httplib takes ownership
  server.set_address_family(AF_UNIX);
  server.set_read_timeout(kPatienceSeconds);
  server.set_write_timeout(kPatienceSeconds);
  server.set_keep_alive_max_count(1);
  server.set_payload_max_length(kRequestBytes);
  server.Get("/stats", [stats = std::move(stats)](const httplib::Request&, httplib::Response& response) {
    response.set_content(stats().dump(2) + "\n", "application/json");
  });
  const mode_t before = ::umask(0117);  // owner and group: counters tell an attacker how well he does
  const bool bound = server.bind_to_port(path, 80);
  ::umask(before);
  if (!bound) {
    throw std::runtime_error("control socket " + path +
                             " cannot be made: its folder must exist and be writable for this user");
  }
  impl_->thread = std::thread{[&server] { server.listen_after_bind(); }};
}

StatsServer::~StatsServer() {
  if (!impl_->thread.joinable()) return;
  while (!impl_->server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  impl_->server.stop();
  impl_->thread.join();
  ::unlink(impl_->path.c_str());  // httplib leaves it behind
}

nlohmann::json ask_stats(const std::string& path) {
  httplib::Client client{path};
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(kPatienceSeconds);
  const auto answer = client.Get("/stats", httplib::Headers{{"Host", "localhost"}});
  if (!answer || answer->status != 200) {
    throw std::runtime_error("no synward answers at " + path +
                             ": is it running, and is this its control socket? (--socket, $SYNWARD_SOCKET)");
  }
  return nlohmann::json::parse(answer->body);
}

}  // namespace synward::control
