#include "control/protocol.h"

#include <optional>

#include "base/text.h"
#include "control/json_values.h"

namespace meshnode::control {
namespace {

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

constexpr std::pair<Method, const char*> kMethods[] = {{Method::status, "status"},
                                                       {Method::id, "id"},
                                                       {Method::join_line, "join-line"},
                                                       {Method::peers, "peers"},
                                                       {Method::peer, "peer"},
                                                       {Method::ping, "ping"},
                                                       {Method::trace, "trace"},
                                                       {Method::edges, "edges"},
                                                       {Method::why, "why"},
                                                       {Method::watch, "watch"},
                                                       {Method::log_level, "log-level"},
                                                       {Method::reload, "reload"},
                                                       {Method::methods, "methods"}};

std::string method_list() {
  std::string out;
  for (const auto& [method, text] : kMethods) out += (out.empty() ? "" : ", ") + std::string(text);
  return out;
}

}  // namespace

std::string text_of(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json parse_bounded(std::string_view text) {
  if (nests_deeper_than(text, kJsonDepth)) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

std::string_view name(Method method) {
  for (const auto& [known, text] : kMethods)
    if (known == method) return text;
  return "unknown";
}

std::string request_line(const Request& request) {
  Json out = {{"version", kProtocolVersion}, {"method", name(request.method)}};
  if (!request.peer.empty()) out["peer"] = request.peer;
  if (!request.level.empty()) out["level"] = request.level;
  if (request.exec) out["exec"] = true;
  return text_of(out) + "\n";
}

Result<Request> parse_request(std::string_view line) {
  const auto request = object_of(line);
  if (!request) return Error::world("a request is one JSON object on one line");
  const auto version = request->find("version");
  if (version == request->end() || *version != kProtocolVersion)
    return Error::world("this daemon speaks version 1");
  const auto wanted = string_at(*request, "method");
  for (const auto& [method, text] : kMethods) {
    if (wanted != text) continue;
    Request out{method, string_at(*request, "peer").value_or(""),
                string_at(*request, "level").value_or("")};
    const auto exec = request->find("exec");
    out.exec = exec != request->end() && *exec == true;
    return out;
  }
  return Error::usage("the methods are " + method_list());
}

std::string ok_line(std::string_view result) {
  return "{\"ok\":true,\"result\":" + std::string(result) + "}\n";
}

std::string error_line(std::string_view error) {
  return text_of({{"ok", false}, {"error", error}}) + "\n";
}

std::string error_line(const Error& error) {
  Json out = {{"ok", false}, {"error", error.message}};
  if (error.kind == Error::Kind::usage) out["kind"] = "usage";
  return text_of(out) + "\n";
}

Result<std::string> parse_answer(std::string_view line) {
  const auto answer = object_of(line);
  const Json ok = answer ? answer->value("ok", Json()) : Json();
  if (ok == true && answer->contains("result")) return text_of((*answer)["result"]);
  const auto error = ok == false ? string_at(*answer, "error") : std::nullopt;
  if (!error) return Error::world("the daemon's answer is no answer of a meshnode");
  return string_at(*answer, "kind") == "usage" ? Error::usage(*error) : Error::world(*error);
}

std::string methods_json() {
  Json methods = Json::array();
  for (const auto& [method, text] : kMethods) methods.push_back(text);
  return text_of({{"version", kProtocolVersion}, {"methods", std::move(methods)}});
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

Result<std::string> reload_text(std::string_view json) {
  const auto object = object_of(json);
  const auto text = object ? string_at(*object, "text") : std::nullopt;
  if (!text) return Error::world("the daemon's answer cannot be read");
  return *text;
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
