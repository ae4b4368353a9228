// JSON of the control socket's values, both ways: what snapshot, peers and events share. Private to
// control/. Reading throws (nlohmann's exceptions, or Misfit); the functions that others call
// catch.
#pragma once

#include <array>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/snapshot.h"

namespace meshnode::control {

using Json = nlohmann::ordered_json;

// Words of the enums, in both directions.
template <typename Enum, std::size_t N>
using Words = std::array<std::pair<Enum, const char*>, N>;

template <typename Enum, std::size_t N>
const char* word(const Words<Enum, N>& words, Enum value) {
  for (const auto& [known, text] : words)
    if (known == value) return text;
  return "unknown";
}

// What does not fit the snapshot; caught in from_json() like nlohmann's own exceptions.
struct Misfit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename Enum, std::size_t N>
Enum value_of(const Words<Enum, N>& words, const std::string& text) {
  for (const auto& [known, name] : words)
    if (text == name) return known;
  throw Misfit("\"" + text + "\"");
}

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <typename T>
Json texts(const std::vector<T>& values) {
  Json out = Json::array();
  for (const T& value : values) out.push_back(value.to_string());
  return out;
}

inline double rounded(double ms) {
  constexpr double kExact = 1e12;  // beyond that there is nothing to round, and infinity is near
  return std::abs(ms) < kExact ? std::round(ms * 1000) / 1000 : ms;
}

template <typename T>
Json text_or_null(const std::optional<T>& value) {
  return value ? Json(value->to_string()) : Json(nullptr);
}

inline Json ms_or_null(const std::optional<double>& value) {
  return value ? Json(rounded(*value)) : Json(nullptr);
}

// Reading. at() throws for a missing field, get() for a wrong type.

template <typename T>
std::optional<T> optional_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<T>();
}

template <typename T>
T parsed(const Json& json) {
  const auto text = json.get<std::string>();
  const auto value = T::parse(text);
  if (!value) throw Misfit("\"" + text + "\"");
  return *value;
}

template <typename T>
std::vector<T> parsed_list(const Json& json) {
  std::vector<T> out;
  for (const Json& entry : json) out.push_back(parsed<T>(entry));
  return out;
}

std::string text_of(const Json& json, int indent = -1);
// A discarded value for what is no JSON, or nests too deeply. Never throws.
Json parse_bounded(std::string_view text);

const char* word(PeerState state);
const char* word(PathKind kind);
PathKind path_kind_of(const Json& json);
Json json_of(const PathStatus& path);
Json json_of(const EdgeStatus& edge);
Json json_of(const PeerStatus& peer);
PathStatus path_of(const Json& json);
EdgeStatus edge_of(const Json& json);
PeerStatus peer_of(const Json& json);

}  // namespace meshnode::control
