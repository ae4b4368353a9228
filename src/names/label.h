// From what a member calls itself to a DNS label, and the names that are made of it.
//
//   beta.mesh           the member that calls itself "Beta", if nobody else does (table.h)
//   ck3vq7xa.id.mesh    by its id: the first 8 characters, or more of them
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace meshnode::names {

inline constexpr std::string_view kZone = "mesh";
// A level of its own: no member can call itself like another one's id.
inline constexpr std::string_view kIdZone = "id.mesh";
inline constexpr std::size_t kShortestPrefix = 8;  // of an id, in characters
inline constexpr std::size_t kMaxLabel = 63;       // RFC 1035 §2.3.4

// Lower case; letters, digits and single '-' between them. A character that is none of these, of
// however many bytes, is a '-'. Empty if nothing is left. A prefix "xn--" cannot come out.
std::string label_of(std::string_view name);
// Whether label_of() may have made it.
bool is_label(std::string_view text);

std::string member_name(std::string_view label);  // "beta.mesh"
std::string id_name(const NodeId& id);            // "ck3vq7xa.id.mesh"
std::string whole_id_name(const NodeId& id);      // the same with all of the id
// Whether it is one of these two.
bool is_name(std::string_view text);

}  // namespace meshnode::names
