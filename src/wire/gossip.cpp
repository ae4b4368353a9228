#include "wire/gossip.h"

#include <algorithm>

namespace meshnode::wire {
namespace {

constexpr std::size_t kRange = 16;
constexpr std::size_t kEntry = 16;
constexpr std::size_t kWant = 8;
constexpr std::size_t kSalt = 8;
constexpr std::size_t kSummaryRange = 28;

// The finalizer of splitmix64 (Steele, Lea, Flood).
std::uint64_t scatter(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

Bytes encode_digest(const Digest& digest) {
  Bytes out;
  Writer writer(out);
  writer.u64(digest.lower);
  writer.u64(digest.upper);
  for (const Digest::Entry& entry : digest.entries) {
    writer.u64(entry.id);
    writer.u64(entry.sequence);
  }
  return out;
}

std::optional<Digest> parse_digest(ByteView body) {
  if (body.size() < kRange || (body.size() - kRange) % kEntry != 0) return std::nullopt;
  if ((body.size() - kRange) / kEntry > kMaxDigest) return std::nullopt;
  Reader reader(body);
  Digest out;
  out.lower = reader.u64();
  out.upper = reader.u64();
  while (reader.left() > 0) {
    Digest::Entry entry;
    entry.id = reader.u64();
    entry.sequence = reader.u64();
    if (!out.entries.empty() && entry.id <= out.entries.back().id) return std::nullopt;
    if (!out.announces() && (entry.id < out.lower || entry.id > out.upper)) return std::nullopt;
    out.entries.push_back(entry);
  }
  if (out.announces() ? out.entries.empty() : out.lower > out.upper) return std::nullopt;
  return out;
}

Bytes encode_want(const std::vector<ShortId>& ids) {
  Bytes out;
  Writer writer(out);
  for (const ShortId id : ids) writer.u64(id);
  return out;
}

std::optional<std::vector<ShortId>> parse_want(ByteView body) {
  if (body.empty() || body.size() % kWant != 0 || body.size() / kWant > kMaxDigest)
    return std::nullopt;
  std::vector<ShortId> out;
  Reader reader(body);
  while (reader.left() > 0) out.push_back(reader.u64());
  return out;
}

std::uint64_t fingerprint(std::uint64_t salt, const NodeId& id, std::uint64_t sequence) {
  const auto a = load_le<std::uint64_t>(id.bytes.data());
  const auto b = load_le<std::uint64_t>(id.bytes.data() + 8);
  return scatter(scatter(scatter(a ^ salt) ^ b) ^ sequence);
}

Bytes encode_summary(const Summary& summary) {
  Bytes out;
  Writer writer(out);
  writer.u64(summary.salt);
  for (const Summary::Range& range : summary.ranges) {
    writer.u64(range.lower);
    writer.u64(range.upper);
    writer.u32(range.count);
    writer.u64(range.sum);
  }
  return out;
}

std::optional<Summary> parse_summary(ByteView body) {
  if (body.size() < kSalt + kSummaryRange || (body.size() - kSalt) % kSummaryRange != 0)
    return std::nullopt;
  if ((body.size() - kSalt) / kSummaryRange > kMaxRanges) return std::nullopt;
  Reader reader(body);
  Summary out;
  out.salt = reader.u64();
  while (reader.left() > 0) {
    Summary::Range range;
    range.lower = reader.u64();
    range.upper = reader.u64();
    range.count = reader.u32();
    range.sum = reader.u64();
    if (range.lower > range.upper) return std::nullopt;
    if (!out.ranges.empty() && range.lower <= out.ranges.back().upper) return std::nullopt;
    out.ranges.push_back(range);
  }
  return out;
}

}  // namespace meshnode::wire
