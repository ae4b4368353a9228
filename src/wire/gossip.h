// Bodies of the control messages by which neighbours keep each other's records current.
//
//   digest   lower (8) | upper (8) | entries: short id (8) | sequence (8)
//   want     short ids (8 each)
//   summary  salt (8) | ranges: lower (8) | upper (8) | count (4) | sum (8)
//
// A short id is the first 8 bytes of a NodeId, compared as a big-endian number. A digest names all
// records that its sender passes on with lower ≤ short id ≤ upper, in ascending order, none twice.
// At most kMaxDigest entries, and as many wants. The range from 1 to 0 holds no ids: such a digest,
// an announcement, names some records and says nothing of others.
//
// A summary says of 1 to kMaxRanges ranges, ascending and apart from each other, how many records a
// digest would name, and the sum of their fingerprints under the salt. The salt is new in each
// message, so that nobody can choose records that cancel each other out.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"

namespace meshnode::wire {

using ShortId = std::uint64_t;
inline constexpr std::size_t kMaxDigest = 64;

inline ShortId short_id(const NodeId& id) {
  return load_be<std::uint64_t>(id.bytes.data());
}

struct Digest {
  struct Entry {
    ShortId id = 0;
    std::uint64_t sequence = 0;
    auto operator<=>(const Entry&) const = default;
  };
  ShortId lower = 0;
  ShortId upper = ~ShortId{0};
  std::vector<Entry> entries;

  bool announces() const { return lower == 1 && upper == 0; }
  bool operator==(const Digest&) const = default;
};

Bytes encode_digest(const Digest& digest);
std::optional<Digest> parse_digest(ByteView body);

Bytes encode_want(const std::vector<ShortId>& ids);
// Nothing if it is empty, too long or not a multiple of 8.
std::optional<std::vector<ShortId>> parse_want(ByteView body);

inline constexpr std::size_t kMaxRanges = 16;

// What one record adds to a sum, modulo 2⁶⁴.
std::uint64_t fingerprint(std::uint64_t salt, const NodeId& id, std::uint64_t sequence);

struct Summary {
  struct Range {
    ShortId lower = 0;
    ShortId upper = ~ShortId{0};
    std::uint32_t count = 0;
    std::uint64_t sum = 0;
    bool operator==(const Range&) const = default;
  };
  std::uint64_t salt = 0;
  std::vector<Range> ranges;
  bool operator==(const Summary&) const = default;
};

Bytes encode_summary(const Summary& summary);
std::optional<Summary> parse_summary(ByteView body);

}  // namespace meshnode::wire
