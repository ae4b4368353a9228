// From the TUN device to the underlay.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/result.h"
#include "base/runs.h"
#include "dataplane/events.h"
#include "dataplane/slots.h"
#include "wire/data_frame.h"

namespace meshnode::dataplane {

// Sequential steps of one packet, in the order of the functions in tx_pump.cpp:
//   1. parse the IP header                    → drop(bad_packet)
//   2. route by destination                   → event no_route
//   3. key and path of the peer               → event no_session
//   4. take a counter                         → event key_worn
//   5. header in front, padding and tag behind, seal in place
//   6. a run on the peer's path
//
// Invariants
//  1. A counter is never used twice under one key: it moves before the seal, whatever happens then.
//  2. Runs point into the frames that were lent; they die with the call's buffers.
class TxPump {
 public:
  struct Output {
    std::vector<DatagramRun> runs;
    PumpEvents events;
    void clear() {
      runs.clear();
      events.clear();
    }
  };

  // `mtu`: of the tunnel, bytes; padding stops there.
  explicit TxPump(std::size_t mtu) : mtu_(mtu) {}
  void apply(const SlotChange& change);

  // Appends to `out`. Each frame has kFrameHeadroom before and kFrameTailroom behind it.
  void pump(std::span<const TunFrame> frames, TimePoint now, Output& out);

  // A control frame to the peer, under its current key. `buffer` holds the plaintext and is large
  // enough for wire::kFrameOverhead + the text + wire::kMaxPadding; the plaintext starts at
  // wire::kFrameHeaderSize. False if there is no key or path.
  bool seal_control(PeerNumber peer, MutableBytes buffer, std::size_t text_size, Output& out);

  Traffic traffic(PeerNumber peer) const;
  const DropCounters& drops() const { return drops_; }

  // AES-GCM keys wear out: at the first limit a new handshake is asked for, at the second the key
  // is not used any more. Far below 2^64 and the 2^36 records where AES-256-GCM with 16-byte tags
  // loses margin (RFC 9001 appendix B reasoning for 1.5 KB records).
  static constexpr std::uint64_t kWornCounter = std::uint64_t{1} << 32;
  static constexpr std::uint64_t kLastCounter = std::uint64_t{1} << 34;
  static constexpr Duration kActivityInterval = milliseconds(20);

  // Tests reach the limits this way.
  void set_counter_for_test(SessionIndex local_index, std::uint64_t counter);

 private:
  struct Key {
    std::shared_ptr<const KeySlot> slot;
    std::unique_ptr<crypto::FrameCipher> cipher;
    std::uint64_t counter = 0;
    bool reported_worn = false;
  };
  struct Peer {
    Key* key = nullptr;  // into keys_
    std::optional<Path> path;
    Traffic traffic;
    TimePoint last_reported{};
    bool reported = false;
  };

  void pump_one(const TunFrame& frame, TimePoint now, Output& out);
  bool take_counter(PeerNumber number, Key& key, std::uint64_t& counter, Output& out);
  void seal_in_place(Key& key, std::uint64_t counter, wire::FrameKind kind, MutableBytes text,
                     const Path& path, Output& out);
  void account(PeerNumber number, Peer& peer, std::size_t bytes, TimePoint now, Output& out);

  const std::size_t mtu_;
  std::unordered_map<SessionIndex, Key> keys_;  // by our local index; references stay valid
  std::unordered_map<PeerNumber, Peer> peers_;
  std::shared_ptr<const RouteTable> routes_ = std::make_shared<RouteTable>();
  DropCounters drops_;
};

}  // namespace meshnode::dataplane
