#include "sim/attacker.h"

namespace meshnode::sim {
namespace {

constexpr std::uint16_t kPort = 4444;
constexpr std::uint64_t kLongestDelayMs = 3000;

}  // namespace

Attacker::Attacker(World& world, unsigned per_mille)
    : world_(world),
      per_mille_(per_mille),
      stranger_{world.add_bystander(), kPort},
      owner_{Owner::Kind::bystander, 0} {
  world_.tap = [this](SegmentId segment, const Datagram& datagram) { saw(segment, datagram); };
}

void Attacker::saw(SegmentId segment, const Datagram& datagram) {
  if (datagram.bytes.empty() || world_.random.below(1000) >= per_mille_) return;
  const Duration delay = milliseconds(world_.random.below(kLongestDelayMs));
  Datagram again = datagram;
  const std::uint64_t way = world_.random.below(4);
  if (way == 1 || way == 3) again.from = stranger_;
  if (way >= 2) {
    const auto at = static_cast<std::size_t>(world_.random.below(again.bytes.size()));
    // Mostly behind the header, where only the tag tells.
    const std::size_t place = world_.random.below(4) == 0 ? at : again.bytes.size() - 1;
    again.bytes[place] = static_cast<std::uint8_t>(again.bytes[place] ^ 0x10);
  }
  again.sender = owner_;
  world_.inject(delay, segment, std::move(again));
}

}  // namespace meshnode::sim
