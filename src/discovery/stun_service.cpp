#include "discovery/stun_service.h"

#include "wire/stun.h"

namespace meshnode::discovery {
namespace {

constexpr std::size_t kSlots = 4096;

}  // namespace

StunService::StunService(std::uint64_t salt, std::uint64_t start_id)
    : salt_(salt),
      start_id_(start_id),
      sources_(kSlots, TokenBucket(kPerSource, kPerSourceBurst)) {}

TokenBucket& StunService::bucket_of(const IpAddress& source) {
  // FNV-1a, begun at the salt.
  std::uint64_t hash = 0xcbf29ce484222325U ^ salt_;
  const std::size_t size = source.is_v6() ? 8 : source.bytes().size();
  for (const std::uint8_t byte : source.bytes().first(size)) hash = (hash ^ byte) * 0x100000001b3U;
  return sources_[(hash ^ (hash >> 32)) % kSlots];
}

Bytes StunService::answer(TimePoint now, const Endpoint& from, const Endpoint& origin,
                          const Endpoint& other, ByteView datagram) {
  const auto request = wire::parse_stun_request(datagram);
  if (!request) return drop(Drop::malformed);
  // An answer from elsewhere would be a way to make us send to who did not ask for it.
  if (request->change_ip || request->change_port) return drop(Drop::unsupported);
  if (!bucket_of(from.ip).take(now) || !total_.take(now)) return drop(Drop::rate_limited);
  Bytes out = wire::stun_response(*request, from, start_id_, other, origin);
  if (out.empty()) return drop(Drop::too_big);
  ++answered_;
  return out;
}

}  // namespace meshnode::discovery
