#include "sim/liar.h"

#include "discovery/signed_record.h"
#include "wire/control.h"

namespace meshnode::sim {
namespace {

constexpr std::uint64_t kPhantomBase = std::uint64_t{1} << 40;
constexpr std::size_t kLongestNoise = 1400;
constexpr std::uint64_t kControlTypes = 9;  // one more than there are

Bytes control(wire::ControlType type, ByteView body) {
  return wire::encode_control({type, body});
}

}  // namespace

Liar::Liar(World& world, Host& host, const IpAddress& target)
    : world_(world),
      host_(host),
      target_(target),
      network_id_(to_bytes(host.options().network.id())),
      number_(static_cast<std::uint64_t>(world.unix_time().ms)) {}

void Liar::listen() {
  if (!host_.running()) return;
  for (const auto& member : host_.core().engine().memory(host_.now()))
    if (!member.record.empty()) heard_.push_back(member.record);
}

// All of its candidates are ports of the target.
wire::Record Liar::about(const overlay::Identity& who, std::uint64_t sequence) {
  wire::Record out;
  out.signing_key = who.signing_key;
  out.static_key = who.static_key;
  out.sequence = sequence;
  out.boot = world_.random.block<8>();
  out.issued = sequence;
  for (std::size_t i = 0; i < wire::kMaxCandidates; ++i)
    out.candidates.push_back(
        {wire::CandidateKind::reflexive,
         200,
         wire::kServes,
         {target_, static_cast<std::uint16_t>(1 + world_.random.below(65'000))}});
  return out;
}

Bytes Liar::phantom() {
  const auto who =
      identity_of(kPhantomBase * (host_.index() + 1U) + phantoms_++ % 2000, world_.suite());
  return discovery::sign_record(about(who, ++number_), who.signing_seed, network_id_,
                                world_.suite())
      ->bytes;
}

Bytes Liar::old_record() {
  if (heard_.empty()) return phantom();
  return heard_[static_cast<std::size_t>(world_.random.below(heard_.size()))];
}

// Its own record says that it is at the target; everybody is told to punch there.
Bytes Liar::false_introduction() {
  const auto own =
      discovery::sign_record(about(host_.identity(), ++number_), host_.identity().signing_seed,
                             network_id_, world_.suite());
  const discovery::Introductions machine(host_.id(), network_id_, world_.suite());
  const Host& victim = world_.host(static_cast<std::size_t>(world_.random.below(world_.size())));
  Bytes out = machine.ask(victim.id(), *own, host_.identity().signing_seed, ++number_);
  if (world_.random.below(4) == 0) out[50] = static_cast<std::uint8_t>(out[50] ^ 1);
  return out;
}

Bytes Liar::noise() {
  Bytes out(static_cast<std::size_t>(world_.random.below(kLongestNoise)));
  world_.random.fill(out);
  return out;
}

Bytes Liar::lie() {
  switch (world_.random.below(8)) {
    case 0:
    case 1:
    case 2:
      return control(wire::ControlType::record, phantom());
    case 3:
      return control(wire::ControlType::record, old_record());
    case 4: {
      Bytes oversized = phantom();
      oversized.resize(1300, 0x41);
      return control(wire::ControlType::record, oversized);
    }
    case 5:
    case 6:
      return control(wire::ControlType::introduction, false_introduction());
    default:
      return control(static_cast<wire::ControlType>(world_.random.below(kControlTypes)), noise());
  }
}

void Liar::speak(std::size_t lies) {
  if (!host_.awake()) return;
  for (std::size_t i = 0; i < lies; ++i) host_.say_to_all(lie());
}

}  // namespace meshnode::sim
