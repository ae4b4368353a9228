#include "sim/attacker.h"

#include "wire/data_frame.h"
#include "wire/types.h"

namespace meshnode::sim {
namespace {

constexpr std::uint16_t kPort = 4444;
constexpr std::size_t kCounterOffset = 8;  // in a data frame
constexpr std::uint64_t kLongestDelayMs = 3000;

}  // namespace

Attacker::Attacker(World& world, unsigned per_mille)
    : world_(world),
      per_mille_(per_mille),
      stranger_{world.add_bystander(), kPort},
      owner_{Owner::Kind::bystander, 0} {
  world_.tap = [this](SegmentId segment, const Datagram& datagram) { saw(segment, datagram); };
}

// A frame that would be the next, a change anywhere, or one behind the header, where only the tag
// tells.
void Attacker::forge(Bytes& bytes) {
  const std::uint64_t way = world_.random.below(4);
  if (way == 0 && bytes[0] == static_cast<std::uint8_t>(wire::MessageType::data) &&
      bytes.size() > wire::kFrameOverhead)
    return raise_counter(bytes);
  const auto at = static_cast<std::size_t>(world_.random.below(bytes.size()));
  const std::size_t place = way == 1 ? at : bytes.size() - 1;
  bytes[place] = static_cast<std::uint8_t>(bytes[place] ^ 0x10);
}

void Attacker::raise_counter(Bytes& bytes) {
  std::uint8_t* counter = bytes.data() + kCounterOffset;
  store_le(counter, load_le<std::uint64_t>(counter) + 1 + world_.random.below(100));
}

void Attacker::saw(SegmentId segment, const Datagram& datagram) {
  if (datagram.bytes.empty() || world_.random.below(1000) >= per_mille_) return;
  const Duration delay = milliseconds(world_.random.below(kLongestDelayMs));
  Datagram again = datagram;
  const std::uint64_t way = world_.random.below(4);
  if (way == 1 || way == 3) again.from = stranger_;
  if (way >= 2) forge(again.bytes);
  again.sender = owner_;
  world_.inject(delay, segment, std::move(again));
}

}  // namespace meshnode::sim
