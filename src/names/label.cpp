#include "names/label.h"

#include <algorithm>

namespace meshnode::names {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_base32(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

}  // namespace

std::string label_of(std::string_view name) {
  std::string out;
  bool gap = false;
  for (const char each : name) {
    const char c = lower(each);
    if (!is_plain(c)) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += '-';
    gap = false;
    out += c;
  }
  if (out.size() > kMaxLabel) out.resize(kMaxLabel);
  while (out.ends_with('-')) out.pop_back();
  return out;
}

bool is_label(std::string_view text) {
  return !text.empty() && label_of(text) == text;
}

std::string member_name(std::string_view label) {
  return std::string(label) + "." + std::string(kZone);
}

std::string id_name(const NodeId& id) {
  return id.to_string().substr(0, kShortestPrefix) + "." + std::string(kIdZone);
}

std::string whole_id_name(const NodeId& id) {
  return id.to_string() + "." + std::string(kIdZone);
}

bool is_name(std::string_view text) {
  const auto dot = std::min(text.find('.'), text.size());
  const std::string_view first = text.substr(0, dot);
  const std::string_view rest = text.substr(std::min(dot + 1, text.size()));
  if (rest == kZone) return is_label(first);
  return rest == kIdZone && first.size() >= kShortestPrefix && first.size() <= kMaxLabel &&
         is_base32(first);
}

}  // namespace meshnode::names
