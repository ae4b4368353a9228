// From the underlay to the TUN device.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/replay_window.h"
#include "base/result.h"
#include "base/runs.h"
#include "dataplane/events.h"
#include "dataplane/slots.h"
#include "wire/data_frame.h"
#include "wire/types.h"

namespace meshnode::dataplane {

// Sequential steps of one datagram, in the order of the functions in rx_pump.cpp:
//   1. classify by first byte and length      → others: passed on, or drop(unknown_type, malformed)
//   2. session by receiver index              → drop(unknown_session)
//   3. replay check, read only                → drop(replayed)
//   4. open in place, a batch per session     → drop(auth_failed)
//   5. replay mark                            → drop(replayed)
//   6. first data, new endpoint, activity     → events
//   7. by kind: control → event; IP: length, source is the peer's, destination is ours
//                                             → drop(bad_packet, spoofed_source, …)
//   8. a frame for the TUN device
//
// Invariants
//  1. Before step 5 nothing changes but drop counters.
//  2. Frames, events and passed datagrams point into the runs that were lent.
class RxPump {
 public:
  struct Passed {
    wire::Protocol protocol;
    Path path;
    ByteView datagram;
  };
  struct Output {
    std::vector<TunFrame> frames;
    std::vector<Passed> passed;  // messages for engine and discovery, in order of arrival
    PumpEvents events;
    void clear() {
      frames.clear();
      passed.clear();
      events.clear();
    }
  };

  void apply(const SlotChange& change);
  void pump(std::span<const DatagramRun> runs, TimePoint now, Output& out);

  Traffic traffic(PeerNumber peer) const;
  const DropCounters& drops() const { return drops_; }

  static constexpr Duration kActivityInterval = milliseconds(20);
  // How often a peer's frames from another endpoint are told.
  static constexpr Duration kNewEndpointInterval = milliseconds(100);
  // Window: deep enough for the reordering that batched receivers and several queues cause.
  static constexpr std::size_t kWindowBits = 8192;

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
  struct Candidate {
    MutableBytes datagram;
    wire::FrameHeader header;
  };

  void classify(const Path& path, MutableBytes datagram, TimePoint now, Output& out);
  void collect(const Path& path, MutableBytes datagram, TimePoint now, Output& out);
  void flush(TimePoint now, Output& out);
  void accept(Key& key, const Candidate& candidate, TimePoint now, Output& out);
  void report(Key& key, Peer& peer, bool inner, TimePoint now, Output& out);
  void deliver(Peer& peer, MutableBytes text, Output& out);

  std::unordered_map<SessionIndex, Key> keys_;
  std::unordered_map<PeerNumber, Peer> peers_;
  std::shared_ptr<const AddressSet> own_ = std::make_shared<AddressSet>();
  DropCounters drops_;

  // The open batch: frames of one session from one path. Empty between calls.
  Key* batch_key_ = nullptr;
  Path batch_path_;
  std::vector<Candidate> batch_;
  std::vector<crypto::FrameJob> jobs_;
};

}  // namespace meshnode::dataplane
