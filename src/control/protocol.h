// The lines on the control socket. A request is one JSON object on one line, and so is its answer:
//
//   {"version":1,"method":"status"}        → {"ok":true,"result":{…snapshot…}}
//   {"version":1,"method":"id"}            → {"ok":true,"result":"<NodeId>"}
//   {"version":1,"method":"join-line"}     → {"ok":true,"result":{"command":"…","token":"…"}}
//   anything else                          → {"ok":false,"error":"a sentence"}, and a close
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meshnode::control {

inline constexpr std::size_t kMaxRequest = 4096;            // bytes, with the newline
inline constexpr std::size_t kMaxAnswer = 8 * 1024 * 1024;  // 4,096 members take some 2 MB

enum class Method : unsigned char { status, id, join_line };
std::string_view name(Method method);

// How another machine joins: run `command` there, then paste `token` where it asks. In two parts,
// so that the secret is in no shell history and no argv. A secret: for terminals, never for a log.
struct JoinLine {
  std::string command;
  std::string token;
};

std::string request_line(Method method);
Result<Method> parse_request(std::string_view line);

// `result` is JSON text; `error` a sentence.
std::string ok_line(std::string_view result);
std::string error_line(std::string_view error);
// The result as one line of JSON text, or the daemon's sentence as a world error.
Result<std::string> parse_answer(std::string_view line);

std::string to_json(const JoinLine& line);
Result<JoinLine> join_line_from_json(std::string_view text);
std::string to_json_string(std::string_view text);
Result<std::string> string_from_json(std::string_view text);
// The same JSON text, indented for people.
std::string pretty(std::string_view json);

}  // namespace meshnode::control
