#include "control/protocol.h"

#include <optional>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace meshnode::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr Method kMethods[] = {Method::status, Method::id, Method::join_line};

std::string text_of(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// A discarded value for what is no JSON, or nests too deeply. Never throws.
Json parse_bounded(std::string_view text) {
  if (nests_deeper_than(text, kJsonDepth)) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

// Nothing for what is no JSON object. Never throws.
std::optional<Json> object_of(std::string_view text) {
  Json json = parse_bounded(text);
  if (!json.is_object()) return std::nullopt;
  return json;
}

std::optional<std::string> string_at(const Json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace

std::string_view name(Method method) {
  switch (method) {
    case Method::status:
      return "status";
    case Method::id:
      return "id";
    case Method::join_line:
      return "join-line";
  }
  return "unknown";
}

std::string request_line(Method method) {
  return text_of({{"version", 1}, {"method", name(method)}}) + "\n";
}

Result<Method> parse_request(std::string_view line) {
  const auto request = object_of(line);
  if (!request) return Error::world("a request is one JSON object on one line");
  const auto version = request->find("version");
  if (version == request->end() || *version != 1)
    return Error::world("this daemon speaks version 1");
  const auto wanted = string_at(*request, "method");
  for (const Method method : kMethods)
    if (wanted == name(method)) return method;
  return Error::world("the methods are status, id and join-line");
}

std::string ok_line(std::string_view result) {
  return "{\"ok\":true,\"result\":" + std::string(result) + "}\n";
}

std::string error_line(std::string_view error) {
  return text_of({{"ok", false}, {"error", error}}) + "\n";
}

Result<std::string> parse_answer(std::string_view line) {
  const auto answer = object_of(line);
  const Json ok = answer ? answer->value("ok", Json()) : Json();
  if (ok == true && answer->contains("result")) return text_of((*answer)["result"]);
  const auto error = ok == false ? string_at(*answer, "error") : std::nullopt;
  return Error::world(error ? *error : "the daemon's answer is no answer of a meshnode");
}

std::string to_json(const JoinLine& line) {
  return text_of({{"command", line.command}, {"token", line.token}});
}

Result<JoinLine> join_line_from_json(std::string_view text) {
  const auto object = object_of(text);
  const auto command = object ? string_at(*object, "command") : std::nullopt;
  const auto token = object ? string_at(*object, "token") : std::nullopt;
  if (!command || !token) return Error::world("the daemon's join line cannot be read");
  return JoinLine{*command, *token};
}

std::string to_json_string(std::string_view text) {
  return text_of(Json(text));
}

Result<std::string> string_from_json(std::string_view text) {
  const Json json = parse_bounded(text);
  if (!json.is_string()) return Error::world("the daemon's answer cannot be read");
  return json.get<std::string>();
}

std::string pretty(std::string_view json) {
  return text_of(parse_bounded(json), 2);
}

}  // namespace meshnode::control
