#include "metrics/http_request.h"

#include <algorithm>

#include "base/endpoint.h"

namespace meshnode::metrics {
namespace {

constexpr std::string_view kOpenMetrics =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Takes a line off the front, without its end. A bare LF ends a line, too (RFC 9112 §2.2).
std::string_view line_of(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::optional<std::string_view> head_of(std::string_view received) {
  for (const std::string_view end : {"\r\n\r\n", "\n\n", "\n\r\n"})
    if (const auto at = received.find(end); at != received.npos)
      return received.substr(0, at + end.size());
  return std::nullopt;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// HOST[:PORT]: an address, or this machine's own name for itself.
bool is_local_name(std::string_view host) {
  if (Endpoint::parse(host)) return true;
  if (host.starts_with('[') && host.ends_with(']'))
    return IpAddress::parse(host.substr(1, host.size() - 2)).has_value();
  if (IpAddress::parse(host)) return true;
  return same_word(host.substr(0, host.find(':')), "localhost");
}

// What the headers say against the request; 0: nothing.
int look_at_headers(std::string_view headers, bool http_1_0, bool names) {
  int hosts = 0;
  while (!headers.empty()) {
    const std::string_view line = line_of(headers);
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == line.npos || colon == 0 || line.substr(0, colon).find_first_of(" \t") != line.npos)
      return 400;  // also a folded line (RFC 9112 §5.2)
    if (!same_word(line.substr(0, colon), "host")) continue;
    ++hosts;
    if (!names && !is_local_name(trimmed(line.substr(colon + 1)))) return 421;
  }
  return hosts == 1 || (hosts == 0 && http_1_0) ? 0 : 400;
}

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Bad Request";
  }
}

}  // namespace

std::optional<Verdict> judge(std::string_view received, bool names) {
  const auto head = head_of(received);
  if (!head && received.size() < kMaxRequest) return std::nullopt;
  if (!head || head->size() > kMaxRequest) return Verdict{431};
  std::string_view rest = *head;
  const std::string_view line = line_of(rest);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == line.npos || first == last) return Verdict{400};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!version.starts_with("HTTP/") || target.find(' ') != target.npos) return Verdict{400};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Verdict{505};
  const bool is_head = method == "HEAD";
  if (const int wrong = look_at_headers(rest, version == "HTTP/1.0", names); wrong != 0)
    return Verdict{wrong, is_head};
  if (method != "GET" && !is_head) return Verdict{405};
  return Verdict{target.substr(0, target.find('?')) == "/metrics" ? 200 : 404, is_head};
}

std::string answer(const Verdict& verdict, std::string_view body) {
  const std::string status = std::to_string(verdict.status) + " " + reason(verdict.status);
  const bool good = verdict.status == 200;
  const std::string excuse =
      status + (verdict.status == 404 ? ": the metrics are at /metrics\n" : "\n");
  const std::string_view content = good ? body : std::string_view(excuse);
  std::string out = "HTTP/1.1 " + status + "\r\nContent-Type: ";
  out += good ? kOpenMetrics : "text/plain; charset=utf-8";
  out += "\r\nContent-Length: " + std::to_string(content.size());
  if (verdict.status == 405) out += "\r\nAllow: GET, HEAD";
  out += "\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
  return verdict.head ? out : out.append(content);
}

}  // namespace meshnode::metrics
