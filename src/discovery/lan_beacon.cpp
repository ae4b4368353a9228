#include "discovery/lan_beacon.h"

#include <iterator>

#include "crypto/aead.h"
#include "crypto/hash.h"

namespace meshnode::discovery {
namespace {

// The salt is fresh, so the key is used for one message: a zero nonce is right.
Secret32 beacon_key(const Secret32& lan_key, ByteView salt) {
  return crypto::derive_key(salt, lan_key.view(), "meshnode beacon");
}

}  // namespace

LanBeacon::LanBeacon(Self self, Random& random) : self_(std::move(self)), random_(random) {}

std::vector<LanBeacon::Voice> LanBeacon::voices_of(const Interfaces& interfaces) {
  std::vector<Voice> out;
  for (const Interface& interface : interfaces) {
    if (!interface.is_lan()) continue;
    for (const Cidr& address : interface.addresses) {
      const IpAddress broadcast = address.broadcast();
      // IPv4 into each subnet; IPv6 once per link, from the address that every link has.
      if (!broadcast && !(address.ip.is_v6() && address.ip.is_link_local())) continue;
      const bool heard_there = std::any_of(out.begin(), out.end(), [&](const Voice& voice) {
        return voice.interface == interface.index && voice.destination == broadcast;
      });
      if (!heard_there) out.push_back({interface.index, address.ip, broadcast});
    }
  }
  return out;
}

void LanBeacon::set_interfaces(TimePoint now, const Interfaces& interfaces) {
  interfaces_ = interfaces;
  auto voices = voices_of(interfaces);
  if (voices == voices_) return;
  voices_ = std::move(voices);
  burst_began_ = now;
  burst_step_ = 0;
  due_ = now;
}

void LanBeacon::answer_soon(TimePoint now) {
  TimePoint when = now + Duration(static_cast<std::int64_t>(
                             random_.below(static_cast<std::uint64_t>(kAnswerDelayMax.count()))));
  if (has_spoken_) when = std::max(when, last_spoken_ + kSmallestGap);
  if (!due_ || when < *due_) due_ = when;
}

BeaconTransmit LanBeacon::speak(const Voice& voice, UnixTime clock, std::uint64_t number) {
  wire::Beacon beacon;
  beacon.static_key = self_.static_key;
  beacon.node = self_.node;
  beacon.boot = self_.boot;
  beacon.number = number;
  beacon.port = self_.port;
  beacon.source = voice.source;
  beacon.answer_wanted = burst_step_ < std::size(kBurst);
  beacon.clock = clock;
  const auto salt = random_.block<wire::kBeaconSaltSize>();
  Bytes datagram = to_bytes(salt);
  Writer(datagram).bytes(crypto::seal(crypto::Cipher::aes_256_gcm, beacon_key(self_.lan_key, salt),
                                      crypto::Nonce{}, {}, wire::encode_beacon_text(beacon)));
  return {voice.interface, voice.source, voice.destination, std::move(datagram)};
}

void LanBeacon::schedule_next(TimePoint now) {
  last_spoken_ = now;
  has_spoken_ = true;
  while (burst_step_ < std::size(kBurst) && burst_began_ + kBurst[burst_step_] <= now)
    ++burst_step_;
  if (burst_step_ < std::size(kBurst)) {
    due_ = burst_began_ + kBurst[burst_step_];
    return;
  }
  const auto jitter = random_.below(static_cast<std::uint64_t>(2 * kJitter.count()));
  due_ = now + kInterval - kJitter + Duration(static_cast<std::int64_t>(jitter));
}

bool LanBeacon::on_link(const LanDatagram& datagram) const {
  const auto interface =
      std::find_if(interfaces_.begin(), interfaces_.end(),
                   [&](const Interface& i) { return i.index == datagram.interface; });
  if (interface == interfaces_.end() || !interface->is_lan()) return false;
  if (datagram.source.ip.is_link_local()) return true;
  return std::any_of(interface->addresses.begin(), interface->addresses.end(),
                     [&](const Cidr& own) { return own.contains(datagram.source.ip); });
}

std::optional<Sighting> LanBeacon::open(const LanDatagram& datagram, DropCounters& drops,
                                        std::optional<std::uint8_t>* version) const {
  const auto refuse = [&](Drop reason) {
    drops.count(reason);
    return std::nullopt;
  };
  if (datagram.bytes.size() != wire::kBeaconSize) return refuse(Drop::foreign_beacon);
  const ByteView salt = datagram.bytes.first(wire::kBeaconSaltSize);
  const auto text =
      crypto::open(crypto::Cipher::aes_256_gcm, beacon_key(self_.lan_key, salt), crypto::Nonce{},
                   {}, datagram.bytes.subspan(wire::kBeaconSaltSize));
  if (!text) return refuse(Drop::foreign_beacon);
  if (const auto said = wire::beacon_version(*text); said != wire::kProtocolVersion) {
    if (version != nullptr && on_link(datagram)) *version = said;
    return refuse(Drop::unsupported);
  }
  const auto beacon = wire::parse_beacon_text(*text);
  if (!beacon) return refuse(Drop::malformed);
  // Our own broadcasts come back to us on every interface: nothing to count.
  if (beacon->node == self_.node && beacon->boot == self_.boot) return std::nullopt;
  if (beacon->source != datagram.source.ip || !on_link(datagram)) return refuse(Drop::not_on_link);
  Sighting out{*beacon, {}};
  out.path.remote = {beacon->source, beacon->port};
  if (beacon->source.is_v6() && beacon->source.is_link_local()) out.path.scope = datagram.interface;
  return out;
}

}  // namespace meshnode::discovery
