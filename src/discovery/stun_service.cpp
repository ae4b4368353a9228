#include "discovery/stun_service.h"

#include "wire/stun.h"

namespace meshnode::discovery {
namespace {

constexpr std::size_t kSlots = 4096;
constexpr std::uint16_t kFirstFreePort = 1024;

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

StunService::Answer StunService::answer(TimePoint now, const Endpoint& from, const Endpoint& origin,
                                        const Endpoint& other, ByteView datagram,
                                        std::optional<UnixTime> time) {
  const auto request = wire::parse_stun_request(datagram);
  if (!request) return drop(Drop::malformed);
  const bool detour = request->change_ip || request->change_port || request->response_port != 0;
  const bool possible = origin.ip && other.ip && (!request->change_ip || other.ip != origin.ip) &&
                        (request->response_port == 0 || request->response_port >= kFirstFreePort);
  if (detour && !possible) return drop(Drop::unsupported);
  const double cost = detour ? kDetour : 1;
  if (!bucket_of(from.ip).take(now, cost) || !total_.take(now, cost))
    return drop(Drop::rate_limited);
  Answer out;
  out.from = origin;
  if (request->change_ip) out.from.ip = other.ip;
  if (request->change_port) out.from.port = other.port;
  out.to = from;
  if (request->response_port != 0) out.to.port = request->response_port;
  out.datagram = wire::stun_response(*request, from, start_id_, other, out.from, time);
  if (out.datagram.empty()) return drop(Drop::too_big);
  ++answered_;
  if (detour) ++detours_;
  return out;
}

}  // namespace meshnode::discovery
