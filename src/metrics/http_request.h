// The little of HTTP/1.1 (RFC 9110, 9112) that a scrape needs: what does a request get? Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace meshnode::metrics {

inline constexpr std::size_t kMaxRequest = 8192;  // bytes of request line and headers

struct Verdict {
  int status = 400;
  bool head = false;  // the answer is only headers
};

// Nothing as long as the request is not complete. GET and HEAD of /metrics get 200, of / 404 with
// a hint; whatever a body may say is not looked at, since each answer ends the connection.
// `names`: any Host is right; else only addresses and "localhost" are, so that a web page cannot
// read what is told on this machine only (DNS rebinding).
std::optional<Verdict> judge(std::string_view received, bool names);

// The whole answer. `body` counts with status 200 only.
std::string answer(const Verdict& verdict, std::string_view body);

}  // namespace meshnode::metrics
