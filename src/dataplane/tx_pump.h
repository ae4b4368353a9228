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
#include "dataplane/segment.h"
#include "dataplane/slots.h"
#include "wire/data_frame.h"
#include "wire/ip.h"

namespace meshnode::dataplane {

// Sequential steps of one frame, in the order of the functions in tx_pump.cpp:
//   1. parse the IP header                    → drop(bad_packet, multicast)
//   2. take the frame apart (segment.h)       → drop(bad_packet)
//   3. route by destination                   → event no_route
//   4. key and path of the peer               → event no_session
// and of each packet in it:
//   5. too large for the path: refuse, or cut into pieces (split.h)
//                                             → event too_big, drop(too_big)
//   6. take a counter                         → event key_worn; behind the last one: no_session
//   7. header and sealed text to the end of the output, padding included
//   8. a datagram more for the latest run, or a run of its own
//
// Invariants
//  1. A counter is never used twice under one key: it moves before the seal, whatever happens then.
//  2. A run has datagrams of one path and one TOS that follow each other: in order of the frames.
//  3. No allocation, lock, reference count or clock per packet, once the vectors in Output have
//     grown.
class TxPump {
 public:
  // What came of the frames, in memory of its own.
  class Output {
   public:
    std::vector<DatagramRun> runs;
    PumpEvents events;
    // Runs and the bytes of events are valid until then.
    void clear() {
      runs.clear();
      events.clear();
      used_ = 0;
    }

   private:
    friend class TxPump;
    std::size_t room() const { return kOutputBytes - used_; }
    // The next bytes; only touched pages cost memory.
    MutableBytes take(std::size_t size);

    std::unique_ptr<std::uint8_t[]> memory_;
    std::size_t used_ = 0;
  };
  // Sealed bytes that an output holds: any frame of sane segments, and many of them.
  static constexpr std::size_t kOutputBytes = std::size_t{1} << 20;

  // `mtu`: of the tunnel, bytes; padding stops there.
  explicit TxPump(std::size_t mtu) : mtu_(mtu) {}
  void apply(const SlotChange& change);
  // Shows the inner packets' DSCP to the underlay. Off at first.
  void set_copy_dscp(bool on) { copy_dscp_ = on; }

  // Appends to `out`; each frame has kFrameHeadroom before and kFrameTailroom behind it, and is
  // garbage afterwards. Says how many frames were taken: less than all when the output is full, and
  // never none with an empty one. The rest is unchanged.
  std::size_t pump(std::span<const TunFrame> frames, TimePoint now, Output& out);

  // A control frame to the peer, under its current key, sealed in place. `buffer` holds the
  // plaintext and is large enough for wire::kFrameOverhead + the text + wire::kMaxPadding; the
  // plaintext starts at wire::kFrameHeaderSize. False if there is no key or path.
  // A text that is too large for the path goes in pieces, unless it is to go as a whole.
  bool seal_control(PeerNumber peer, MutableBytes buffer, std::size_t text_size, Output& out,
                    bool whole = false);

  Traffic traffic(PeerNumber peer) const;
  // Of all peers; replaces what was there.
  void copy_traffic(std::vector<std::pair<PeerNumber, Traffic>>& to) const;
  const DropCounters& drops() const { return drops_; }

  // AES-GCM keys wear out: at the first limit a new handshake is asked for, at the second the key
  // is not used any more. Far below 2^64 and the 2^36 records where AES-256-GCM with 16-byte tags
  // loses margin (RFC 9001 appendix B reasoning for 1.5 KB records).
  static constexpr std::uint64_t kWornCounter = std::uint64_t{1} << 32;
  static constexpr std::uint64_t kLastCounter = std::uint64_t{1} << 34;
  static constexpr Duration kActivityInterval = milliseconds(20);
  // A smaller SetLimit counts as this: what links of 576 carry.
  static constexpr std::size_t kLeastDatagram = 496;
  // What IPv6 and IPv4 carry everywhere: nobody can be told to send less.
  static constexpr std::size_t kLeastPacketV6 = 1280;
  static constexpr std::size_t kLeastPacketV4 = 576;

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
    std::size_t largest = kMaxRunBytes;          // datagram with data on its path
    std::size_t largest_message = kMaxRunBytes;  // and with a control message
    bool refuses = false;                        // what does not fit, if its sender can be told
    std::size_t wanted = 0;       // the largest datagram wanted since the last report
    std::uint32_t in_pieces = 0;  // packets so far
    Traffic traffic;
    TimePoint last_reported{};
    bool reported = false;
  };
  // Where packets for a destination go; `peer` is null where no member has it.
  struct Route {
    IpAddress destination;
    PeerNumber number = kNoPeer;
    Peer* peer = nullptr;
  };

  // False: no room for it, and nothing happened.
  bool pump_one(TunFrame frame, TimePoint now, Output& out);
  std::size_t sealed_bound(std::size_t packets, std::size_t largest) const;
  void find_route(const IpAddress& destination);
  void send_all(const wire::IpHeader& header, bool super, TimePoint now, Output& out);
  bool send_whole(Peer& peer, MutableBytes packet, std::uint8_t tos, Output& out);
  bool send_pieces(PeerNumber number, Peer& peer, wire::FrameKind kind, ByteView whole,
                   std::size_t largest, std::uint8_t tos, Output& out);
  void tell_too_big(const Peer& peer, ByteView packet, Output& out) const;
  void tell_unsent(MutableBytes packet, Output& out) const;
  bool take_counter(PeerNumber number, Key& key, std::uint64_t& counter, Output& out);
  void seal(Key& key, std::uint64_t counter, wire::FrameKind kind, MutableBytes text,
            std::uint8_t* frame) const;
  void append(const Path& path, std::uint8_t tos, MutableBytes datagram, Output& out) const;
  void account(Peer& peer, const Traffic& sent, TimePoint now, Output& out);

  const std::size_t mtu_;
  bool copy_dscp_ = false;
  std::unordered_map<SessionIndex, Key> keys_;  // by our local index; references stay valid
  std::unordered_map<PeerNumber, Peer> peers_;
  std::shared_ptr<const RouteTable> routes_ = std::make_shared<RouteTable>();
  DropCounters drops_;
  Segmenter segmenter_;
  Route route_;  // of the last frame, within one call
};

}  // namespace meshnode::dataplane
