#include "wire/gossip.h"

#include <algorithm>

namespace meshnode::wire {
namespace {

constexpr std::size_t kRange = 16;
constexpr std::size_t kEntry = 16;
constexpr std::size_t kWant = 8;

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
    if (entry.id < out.lower || entry.id > out.upper) return std::nullopt;
    out.entries.push_back(entry);
  }
  if (out.lower > out.upper) return std::nullopt;
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

}  // namespace meshnode::wire
