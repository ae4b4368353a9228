// The lines on the control socket (docs/control.md). A request is one JSON object on one line, and
// so is its answer:
//
//   {"version":1,"method":"status"}            → {"ok":true,"result":{…snapshot…}}
//   {"version":1,"method":"peer","peer":"b"}   → {"ok":true,"result":{…}}
//   anything that cannot be done               → {"ok":false,"error":"a sentence"}
//   what is no request                         → the same, and a close
//
// "kind":"usage" stands beside an error that asking for something else would fix. After the answer
// to "watch" each line is an event, until one side closes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meshnode::control {

inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kMaxRequest = 4096;            // bytes, with the newline
inline constexpr std::size_t kMaxAnswer = 8 * 1024 * 1024;  // 4,096 members take some 3 MB

enum class Method : unsigned char {
  status,
  id,
  join_line,
  peers,
  peer,
  ping,
  trace,
  edges,
  why,
  watch,
  log_level,
  reload,
  methods,
};
std::string_view name(Method method);

struct Request {
  Request(Method wanted, std::string whom = {}, std::string to = {})
      : method(wanted), peer(std::move(whom)), level(std::move(to)) {}

  Method method;
  std::string peer;   // of peer, ping, trace, edges and, if one is meant, why: a name, an address,
                      // or the beginning of an id
  std::string level;  // of log-level: the new ones (base/log_levels.h); empty: only ask
  bool exec = false;  // of reload: begin anew, with the program that is installed now
  bool operator==(const Request&) const = default;
};

// How another machine joins: run `command` there, then paste `token` where it asks. In two parts,
// so that the secret is in no shell history and no argv. A secret: for terminals, never for a log.
struct JoinLine {
  std::string command;
  std::string token;
};

std::string request_line(const Request& request);
// Fields that a method has no use for are skipped.
Result<Request> parse_request(std::string_view line);

// `result` is JSON text; `error` a sentence.
std::string ok_line(std::string_view result);
std::string error_line(std::string_view error);
std::string error_line(const Error& error);  // with its kind
// The result as one line of JSON text, or the daemon's sentence as an error of the kind it says.
Result<std::string> parse_answer(std::string_view line);

std::string methods_json();
std::string to_json(const JoinLine& line);
Result<JoinLine> join_line_from_json(std::string_view text);
// What a reload came to, in a sentence.
Result<std::string> reload_text(std::string_view json);
std::string to_json_string(std::string_view text);
Result<std::string> string_from_json(std::string_view text);
// The same JSON text, indented for people.
std::string pretty(std::string_view json);

}  // namespace meshnode::control
