// From the underlay to the TUN device.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/replay_window.h"
#include "base/result.h"
#include "base/runs.h"
#include "dataplane/coalesce.h"
#include "dataplane/events.h"
#include "dataplane/reassembly.h"
#include "dataplane/slots.h"
#include "wire/data_frame.h"
#include "wire/ip.h"
#include "wire/types.h"

namespace meshnode::dataplane {

// Takes what came out of the mesh, in order. Valid during the call; room as base/runs.h has it.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void to_tun(std::span<const TunFrame> frames) = 0;
};

// Sequential steps of one datagram, in the order of the functions in rx_pump.cpp:
//   1. classify by first byte and length      → others: passed on, or drop(unknown_type, malformed)
//   2. session by receiver index              → drop(unknown_session)
//   3. replay check, read only                → drop(replayed)
//   4. open: a packet to where the latest super-frame ends (coalesce.h), all else in place
//                                             → drop(auth_failed)
//   5. replay mark                            → drop(replayed)
//   6. first data, new endpoint, activity     → events
//   7. a piece: put together what is whole    → drop(bad_piece, unassembled)
//      by kind: control → event; IP: length, source is the peer's, destination is ours, congestion
//      mark of the underlay                   → drop(bad_packet, spoofed_source, …)
//   8. joined to a super-frame for the TUN device, or a frame of its own
//
// Invariants
//  1. Before step 5 nothing changes but drop counters and the datagram itself.
//  2. Events and passed datagrams point into the runs that were lent. All frames of a call are with
//     the sink before it returns; passed messages come in order of arrival.
//  3. No allocation, lock, reference count or clock per packet, once the vectors in Output have
//     grown.
class RxPump {
 public:
  struct Passed {
    wire::Protocol protocol;
    Path path;
    ByteView datagram;
  };
  struct Output {
    std::vector<Passed> passed;  // messages for engine and discovery, in order of arrival
    PumpEvents events;
    void clear() {
      passed.clear();
      events.clear();
    }
  };

  void apply(const SlotChange& change);
  // What the TUN device takes as super-frames. At first nothing: each packet is a frame.
  void set_coalescing(Coalescer::Settings settings);
  void pump(std::span<const DatagramRun> runs, TimePoint now, Output& out, FrameSink& sink);

  Traffic traffic(PeerNumber peer) const;
  const DropCounters& drops() const { return drops_; }

  static constexpr Duration kActivityInterval = milliseconds(20);
  // How often a peer's frames from another endpoint are told.
  static constexpr Duration kNewEndpointInterval = milliseconds(100);
  // Window: deep enough for the reordering that batched receivers and several queues cause.
  static constexpr std::size_t kWindowBits = 8192;
  // Frames that are held at most; the sink gets them earlier when there are more.
  static constexpr std::size_t kFrames = 64;

 private:
  struct Key {
    std::shared_ptr<const KeySlot> slot;
    std::unique_ptr<crypto::FrameCipher> cipher;
    ReplayWindow<kWindowBits> window;
    bool first_data_reported = false;
  };
  struct Peer {
    std::optional<Path> path;
    std::shared_ptr<const AddressSet> sources;
    Traffic traffic;
    TimePoint last_activity{};
    TimePoint last_inner_activity{};
    TimePoint last_new_endpoint{};
    bool heard = false;
    bool heard_inner = false;
    bool told_new_endpoint = false;
  };
  // Of the session that the last frame was for, within one call.
  struct Session {
    SessionIndex index = 0;
    Key* key = nullptr;
    Peer* peer = nullptr;  // null until a frame has been authentic
    // Addresses that were found to be the peer's and ours.
    IpAddress source{};
    IpAddress destination{};
  };
  // One call's surroundings of a datagram.
  struct Arrival {
    const DatagramRun& run;
    TimePoint now;
    Output& out;
    FrameSink& sink;
  };

  void classify(const Arrival& arrival, MutableBytes datagram);
  void take_frame(const Arrival& arrival, MutableBytes datagram);
  bool find_session(SessionIndex index);
  bool open(const wire::FrameHeader& header, MutableBytes datagram, std::uint8_t* text);
  void open_packet(const Arrival& arrival, const wire::FrameHeader& header, MutableBytes datagram);
  void open_in_place(const Arrival& arrival, const wire::FrameHeader& header,
                     MutableBytes datagram);
  void take_piece(const Arrival& arrival, ByteView text);
  void take_whole_message(const Arrival& arrival, ByteView text);
  void report(const Arrival& arrival, bool inner);
  std::size_t check_packet(MutableBytes text, std::uint8_t tos);
  bool check_addresses(const wire::IpHeader& header);
  MutableBytes place_for(const Arrival& arrival, std::size_t size);
  void flush(FrameSink& sink);

  std::unordered_map<SessionIndex, Key> keys_;
  std::unordered_map<PeerNumber, Peer> peers_;
  std::shared_ptr<const AddressSet> own_ = std::make_shared<AddressSet>();
  DropCounters drops_;
  Session session_;

  Reassemblies reassemblies_;
  // Control messages that came in pieces, until the next call.
  static constexpr std::size_t kMaxMessages = 16;
  std::vector<Bytes> messages_;

  // Made when the first packet comes.
  Coalescer::Settings coalescing_{.tcp = false, .udp = false};
  std::unique_ptr<std::uint8_t[]> memory_;
  std::optional<Coalescer> coalescer_;
};

}  // namespace meshnode::dataplane
