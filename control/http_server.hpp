// A small HTTP server for the control socket and for metrics, which no client can hold up: not another
// client, a worker or the end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

#include <nlohmann/json.hpp>

#include "control/descriptor.hpp"

namespace synward::control {

/// What is looked at of a request; the rest is read and left alone.
struct HttpRequest {
  std::string_view method, target;  ///< the target without its query; what is missing is empty
  std::string_view query;           ///< what stands behind the target's "?", as it came
  uid_t from;                       ///< who connected to a unix socket; -1: nobody knows
};

/// A whole response. `status` is like "200 OK", `type` a media type; of `headers` each ends with CRLF.
[[nodiscard]] std::string http_response(std::string_view status, std::string_view type,
                                        const std::string& body, std::string_view headers = {});

/// 200 when it is "healthy", else 503; for load balancers, which look at that alone.
[[nodiscard]] std::string health_response(const nlohmann::json& health);

/// One request and one answer a connection (RFC 9112 9.6), from a thread of its own until it is destroyed. A
/// client has two seconds in all to ask and to take its answer, however it spreads them. Of more than 64 at
/// once one is cut off: the oldest that has not sent a whole request yet, or the oldest when all have, so
/// that idle connections push out only each other; not before it is 20 ms old, until when the next one waits
/// in the listener's queue. HEAD is GET without the body.
class HttpServer {
 public:
  /// It makes a whole response, and is called from the server's thread. What it throws is logged, and the
  /// client is told 500.
  using Answer = std::function<std::string(const HttpRequest&)>;

  /// `listening` listens already, and does not block. Throws std::runtime_error.
  HttpServer(Descriptor listening, Answer answer);
  ~HttpServer();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace synward::control
