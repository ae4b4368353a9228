// Finding members on the own links: says "here I am" by broadcast and multicast, and opens what
// others say (protocol.md "LAN beacon"). Only members can make or read a beacon.
#pragma once

#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "base/interfaces.h"
#include "base/random.h"
#include "crypto/suite.h"
#include "wire/beacon.h"

namespace meshnode::discovery {

inline constexpr std::uint16_t kLanPort = 3732;

// A datagram as it came in on the LAN port.
struct LanDatagram {
  Endpoint source;
  std::uint32_t interface = 0;
  ByteView bytes;
};

// A datagram to send on the LAN port of one interface, from one of its addresses.
struct BeaconTransmit {
  std::uint32_t interface = 0;
  IpAddress source{};
  IpAddress destination{};  // the subnet's IPv4 broadcast address; none: the IPv6 group
  Bytes datagram{};
};

// An authentic beacon: some member says that this node is here. Any member can say so of any
// other, so it is a hint where to probe, nothing more.
struct Sighting {
  wire::Beacon beacon;
  Path path;  // the sender's main port, seen from here
};

class LanBeacon {
 public:
  struct Self {
    Secret32 lan_key;
    crypto::X25519Public static_key{};
    NodeId node;
    BootId boot{};
    std::uint16_t port = 0;
  };

  LanBeacon(Self self, Random& random);

  // A changed set of usable interfaces begins a new burst.
  void set_interfaces(TimePoint now, const Interfaces& interfaces);
  // Nothing, and the reason counted, for what is not an authentic beacon from this link. Changes
  // nothing else. `version`, when given, is set by an authentic one of another protocol version,
  // which is counted as unsupported.
  std::optional<Sighting> open(const LanDatagram& datagram, DropCounters& drops,
                               std::optional<std::uint8_t>* version = nullptr) const;
  // Somebody who does not know us yet is listening: speak soon, but not more often than
  // kSmallestGap.
  void answer_soon(TimePoint now);

  // Each datagram wants a fresh number: `next_number` is called once per datagram.
  template <typename NextNumber>
  std::vector<BeaconTransmit> handle_timeout(Now now, NextNumber&& next_number) {
    std::vector<BeaconTransmit> out;
    if (!due_ || now.mono < *due_) return out;
    for (const Voice& voice : voices_) out.push_back(speak(voice, now.unix, next_number()));
    schedule_next(now.mono);
    return out;
  }
  std::optional<TimePoint> next_deadline() const { return due_; }

  static constexpr Duration kBurst[] = {milliseconds(0), milliseconds(200), milliseconds(600),
                                        milliseconds(1500)};
  static constexpr Duration kInterval = seconds(30);
  static constexpr Duration kJitter = seconds(5);
  static constexpr Duration kSmallestGap = milliseconds(100);
  static constexpr Duration kAnswerDelayMax = milliseconds(10);

 private:
  // One address on one interface from which we speak.
  struct Voice {
    std::uint32_t interface = 0;
    IpAddress source{};
    IpAddress destination{};
    bool operator==(const Voice&) const = default;
  };

  static std::vector<Voice> voices_of(const Interfaces& interfaces);
  BeaconTransmit speak(const Voice& voice, UnixTime clock, std::uint64_t number);
  void schedule_next(TimePoint now);
  bool on_link(const LanDatagram& datagram) const;

  Self self_;
  Random& random_;
  Interfaces interfaces_;
  std::vector<Voice> voices_;
  std::optional<TimePoint> due_;
  TimePoint burst_began_{};
  std::size_t burst_step_ = 0;
  TimePoint last_spoken_{};
  bool has_spoken_ = false;
};

}  // namespace meshnode::discovery
