#include "sim/packets.h"

#include <string.h>

#include "sim/cheap_suite.h"
#include "wire/ip.h"

namespace meshnode::sim {
namespace {

constexpr std::size_t kIpHeader = 40;
constexpr std::size_t kUdpHeader = 8;
constexpr std::uint8_t kUdp = 17;

}  // namespace

Packets::Packets(std::uint64_t seed) {
  store_le(mark_.data(), digest({}, seed));
}

Bytes Packets::make(Id& id, HostIndex from, const IpAddress& source, HostIndex to,
                    const IpAddress& destination, std::size_t size) {
  id = sent_.size();
  sent_.push_back({from, to, 0});
  Bytes out(std::max(size, kSmallest));
  out[0] = 0x60;
  store_be(out.data() + 4, static_cast<std::uint16_t>(out.size() - kIpHeader));
  out[6] = kUdp;
  out[7] = 64;
  std::copy_n(source.bytes().begin(), 16, out.begin() + 8);
  std::copy_n(destination.bytes().begin(), 16, out.begin() + 24);
  const std::size_t payload = kIpHeader + kUdpHeader;
  std::copy(mark_.begin(), mark_.end(), out.begin() + payload);
  store_le(out.data() + payload + mark_.size(), id);
  for (std::size_t at = payload + 16; at + mark_.size() <= out.size(); at += mark_.size())
    std::copy(mark_.begin(), mark_.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
  return out;
}

bool Packets::shows(ByteView datagram) const {
  return ::memmem(datagram.data(), datagram.size(), mark_.data(), mark_.size()) != nullptr;
}

std::optional<std::string> Packets::came_out(HostIndex at, ByteView packet) {
  const auto header = wire::parse_ip(packet);
  if (!header || header->protocol != kUdp) return std::nullopt;  // an ICMP message of its own
  const std::size_t payload = kIpHeader + kUdpHeader;
  if (packet.size() < kSmallest ||
      !std::equal(mark_.begin(), mark_.end(), packet.begin() + payload))
    return "n" + std::to_string(at) + " got a packet that nobody sent";
  const auto id = load_le<Id>(packet.data() + payload + mark_.size());
  if (id >= sent_.size()) return "n" + std::to_string(at) + " got a packet that nobody sent";
  Sent& sent = sent_[id];
  const std::string what = "packet " + std::to_string(id) + " from n" + std::to_string(sent.from) +
                           " to n" + std::to_string(sent.to);
  if (sent.to != at) return what + " came out at n" + std::to_string(at);
  if (++sent.delivered > 1) return what + " came out twice";
  ++arrived_;
  return std::nullopt;
}

}  // namespace meshnode::sim
