#include "control/reports_json.h"

#include "control/json_values.h"

namespace meshnode::control {
namespace {

constexpr Words<CandidateState, 3> kCandidateStates{{{CandidateState::carries, "carries"},
                                                     {CandidateState::spare, "spare"},
                                                     {CandidateState::sought, "sought"}}};

constexpr Words<Place, 4> kPlaces{{{Place::done, "not-needed"},
                                   {Place::here, "here"},
                                   {Place::there, "there"},
                                   {Place::nowhere, "nowhere"}}};

Json json_of(const EdgeView& view);

Json json_of(const CandidateStatus& candidate) {
  return {{"endpoint", candidate.endpoint.to_string()},
          {"state", word(kCandidateStates, candidate.state)},
          {"probes", candidate.probes},
          {"answers", candidate.answers},
          {"rtt_ms", ms_or_null(candidate.rtt_ms)}};
}

Json json_of(const ChangeStatus& change) {
  return {{"ago_s", change.ago_s}, {"to", text_or_null(change.to)}, {"cause", change.cause}};
}

Json json_of(const Failure& failure) {
  return {{"code", failure.code}, {"text", failure.text}};
}

template <typename T>
Json object_or_null(const std::optional<T>& value) {
  return value ? json_of(*value) : Json(nullptr);
}

template <typename T>
Json list_of(const std::vector<T>& values) {
  Json out = Json::array();
  for (const T& value : values) out.push_back(json_of(value));
  return out;
}

Json json_of(const EdgeView& view) {
  return {{"path", object_or_null(view.path)},
          {"edge", object_or_null(view.edge)},
          {"candidates", list_of(view.candidates)},
          {"path_history", list_of(view.path_history)}};
}

Json json_of(const PeerDetails& details) {
  Json out = json_of(details.peer);
  out["candidates"] = list_of(details.candidates);
  out["path_history"] = list_of(details.path_history);
  out["seeking_s"] = or_null(details.seeking_s);
  out["failed_handshakes"] = details.failed_handshakes;
  return out;
}

// ---- reading

template <typename T>
std::optional<T> parsed_or_none(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return parsed<T>(json);
}

CandidateStatus candidate_of(const Json& json) {
  return {.endpoint = parsed<Endpoint>(json.at("endpoint")),
          .state = value_of(kCandidateStates, json.at("state").get<std::string>()),
          .probes = json.at("probes").get<std::uint32_t>(),
          .answers = json.at("answers").get<std::uint32_t>(),
          .rtt_ms = optional_of<double>(json.at("rtt_ms"))};
}

ChangeStatus change_of(const Json& json) {
  return {.ago_s = json.at("ago_s").get<std::uint64_t>(),
          .to = parsed_or_none<Endpoint>(json.at("to")),
          .cause = json.at("cause").get<std::string>()};
}

template <typename T>
void read_lists(const Json& json, T& to) {
  for (const Json& entry : json.at("candidates")) to.candidates.push_back(candidate_of(entry));
  for (const Json& entry : json.at("path_history")) to.path_history.push_back(change_of(entry));
}

std::optional<Failure> failure_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Failure{json.at("code").get<std::string>(), json.at("text").get<std::string>()};
}

PeerDetails details_of(const Json& json) {
  PeerDetails out;
  out.peer = peer_of(json);
  read_lists(json, out);
  out.seeking_s = optional_of<std::uint64_t>(json.at("seeking_s"));
  out.failed_handshakes = json.at("failed_handshakes").get<std::uint32_t>();
  return out;
}

EdgeView view_of(const Json& json) {
  EdgeView out;
  if (!json.at("path").is_null()) out.path = path_of(json.at("path"));
  if (!json.at("edge").is_null()) out.edge = edge_of(json.at("edge"));
  read_lists(json, out);
  return out;
}

template <typename Read>
auto reading(std::string_view text, Read read) -> Result<decltype(read(Json()))> {
  try {
    return read(parse_bounded(text));
  } catch (const std::exception& misfit) {
    return Error::world(std::string("the daemon's answer cannot be read (is meshctl as new as "
                                    "meshnode?): ") +
                        misfit.what());
  }
}

}  // namespace

std::string to_json(const std::vector<PeerStatus>& peers) {
  return text_of(list_of(peers));
}

std::string to_json(const PeerDetails& details) {
  return text_of(json_of(details));
}

std::string to_json(const PingReport& report) {
  return text_of({{"id", report.id.to_string()},
                  {"name", report.name},
                  {"rtt_ms", ms_or_null(report.rtt_ms)},
                  {"path", object_or_null(report.path)},
                  {"failure", object_or_null(report.failure)}});
}

std::string to_json(const TraceReport& report) {
  return text_of({{"here", json_of(report.here)},
                  {"there", object_or_null(report.there)},
                  {"failure", object_or_null(report.failure)}});
}

std::string to_json(const EdgesReport& report) {
  Json edges = Json::array();
  for (const EdgeOfMember& each : report.edges)
    edges.push_back({{"id", each.id.to_string()},
                     {"name", each.name},
                     {"path_kind", word(each.kind)},
                     {"rtt_ms", ms_or_null(each.rtt_ms)}});
  return text_of({{"id", report.id.to_string()},
                  {"name", report.name},
                  {"shares", or_null(report.shares)},
                  {"complete", report.complete},
                  {"edges", edges},
                  {"failure", object_or_null(report.failure)}});
}

std::string to_json(const std::vector<Explanation>& explanations) {
  Json out = Json::array();
  for (const Explanation& each : explanations)
    out.push_back({{"id", text_or_null(each.id)},
                   {"name", each.id ? Json(each.name) : Json(nullptr)},
                   {"cause", name(each.verdict.cause)},
                   {"fixable", word(kPlaces, place_of(each.verdict))},
                   {"sentence", each.verdict.sentence},
                   {"evidence", each.verdict.evidence},
                   {"action", each.verdict.action}});
  return text_of(out);
}

std::string to_json(const Event& event) {
  Json out = {{"event", event.event}, {"unix_ms", event.unix_ms}};
  if (event.id) out["id"] = event.id->to_string();
  if (event.id) out["name"] = event.name;
  if (event.path_kind) out["path_kind"] = word(*event.path_kind);
  if (event.remote) out["remote"] = event.remote->to_string();
  if (event.rtt_ms) out["rtt_ms"] = rounded(*event.rtt_ms);
  if (!event.detail.empty()) out["detail"] = event.detail;
  return text_of(out);
}

Result<std::vector<PeerStatus>> peers_from_json(std::string_view text) {
  return reading(text, [](const Json& json) {
    if (!json.is_array()) throw Misfit("no list");
    std::vector<PeerStatus> out;
    for (const Json& entry : json) out.push_back(peer_of(entry));
    return out;
  });
}

Result<PeerDetails> details_from_json(std::string_view text) {
  return reading(text, details_of);
}

Result<PingReport> ping_from_json(std::string_view text) {
  return reading(text, [](const Json& json) {
    PingReport out;
    out.id = parsed<NodeId>(json.at("id"));
    json.at("name").get_to(out.name);
    out.rtt_ms = optional_of<double>(json.at("rtt_ms"));
    if (!json.at("path").is_null()) out.path = path_of(json.at("path"));
    out.failure = failure_of(json.at("failure"));
    return out;
  });
}

Result<TraceReport> trace_from_json(std::string_view text) {
  return reading(text, [](const Json& json) {
    TraceReport out;
    out.here = details_of(json.at("here"));
    if (!json.at("there").is_null()) out.there = view_of(json.at("there"));
    out.failure = failure_of(json.at("failure"));
    return out;
  });
}

Result<EdgesReport> edges_from_json(std::string_view text) {
  return reading(text, [](const Json& json) {
    EdgesReport out;
    out.id = parsed<NodeId>(json.at("id"));
    json.at("name").get_to(out.name);
    out.shares = optional_of<bool>(json.at("shares"));
    json.at("complete").get_to(out.complete);
    for (const Json& each : json.at("edges"))
      out.edges.push_back({parsed<NodeId>(each.at("id")), each.at("name").get<std::string>(),
                           path_kind_of(each.at("path_kind")),
                           optional_of<double>(each.at("rtt_ms"))});
    out.failure = failure_of(json.at("failure"));
    return out;
  });
}

Result<Event> event_from_json(std::string_view text) {
  return reading(text, [](const Json& json) {
    Event out;
    json.at("event").get_to(out.event);
    json.at("unix_ms").get_to(out.unix_ms);
    if (json.contains("id")) out.id = parsed<NodeId>(json.at("id"));
    out.name = json.value("name", "");
    if (json.contains("path_kind")) out.path_kind = path_kind_of(json.at("path_kind"));
    if (json.contains("remote")) out.remote = parsed<Endpoint>(json.at("remote"));
    if (json.contains("rtt_ms")) out.rtt_ms = json.at("rtt_ms").get<double>();
    out.detail = json.value("detail", "");
    return out;
  });
}

Result<std::vector<Explanation>> explanations_from_json(std::string_view text) {
  return reading(text, [](const Json& json) {
    std::vector<Explanation> out;
    for (const Json& each : json) {
      Explanation one;
      if (!each.at("id").is_null()) one.id = parsed<NodeId>(each.at("id"));
      if (one.id) each.at("name").get_to(one.name);
      const auto cause = cause_of(each.at("cause").get<std::string>());
      if (!cause) throw Misfit("an unknown cause");
      one.verdict.cause = *cause;
      each.at("sentence").get_to(one.verdict.sentence);
      const Place place = value_of(kPlaces, each.at("fixable").get<std::string>());
      if (place != place_of(*cause)) one.verdict.elsewhere = place;
      each.at("evidence").get_to(one.verdict.evidence);
      each.at("action").get_to(one.verdict.action);
      out.push_back(std::move(one));
    }
    return out;
  });
}

}  // namespace meshnode::control
