// Answers DNS questions about the members: authoritative for "mesh" and for the reverse zone of the
// network's prefix, and for nothing else (REFUSED). No answer is longer than kMaxAnswer, which
// fits into every datagram: so nothing is ever cut off, and TCP is not needed.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "names/table.h"

namespace meshnode::names {

inline constexpr std::size_t kMaxAnswer = 512;  // RFC 1035 §4.2.1
inline constexpr std::uint32_t kTtl = 10;       // seconds; members come and go
inline constexpr std::uint32_t kNegativeTtl = 2;

// Nothing for what must not be answered. `prefix`: the members' /48.
std::optional<Bytes> answer(const Table& table, const Cidr& prefix, ByteView query);

// "8.b.d.0.1.0.0.2.ip6.arpa" of a prefix; its length is a multiple of 4 bits.
std::string reverse_zone(const Cidr& prefix);

}  // namespace meshnode::names
