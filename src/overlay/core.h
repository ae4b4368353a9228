// Engine and pumps put together: everything of a node but the machine around it. node::Host and the
// tests' virtual hosts are the two machines.
#pragma once

#include <span>
#include <variant>
#include <vector>

#include "base/runs.h"
#include "dataplane/event_batch.h"
#include "dataplane/rx_pump.h"
#include "dataplane/sealer.h"
#include "overlay/engine.h"

namespace meshnode::overlay {

using Event = std::variant<PeerConnected, PeerLost, AddressConflict, NatKnown, ServersKnown,
                           TwinIdentity, PathChanged, MemberHeard, MemberLeft, Answered>;

// The machine, as the core sees it: it sends, and takes frames for the TUN device (to_tun). Calls
// come only from within the core's inputs; views are valid during the call.
class Machine : public dataplane::FrameSink {
 public:
  virtual void send(std::span<const DatagramRun> runs) = 0;
  // One datagram of little meaning that our first router lets out and the next one does not.
  virtual void open_way(const Path& path) = 0;
  virtual void send_beacon(const discovery::BeaconTransmit& beacon) = 0;
  virtual void tell(const Event& event) = 0;
  virtual void ask_dht(const discovery::DhtRequest& request) = 0;
  // A datagram of the shared port that is not for the core: the DHT's, or a STUN request.
  virtual void pass_on(wire::Protocol protocol, const Path& path, ByteView datagram) = 0;
};

// The TX pump in a thread of its own, as the core sees it. What it notices comes back later, to
// Core::from_sealing.
class SealingDoor {
 public:
  virtual ~SealingDoor() = default;
  // Done in order, soon, and before the frames that are read from the TUN device after it.
  virtual void put(dataplane::SealTask task) = 0;
  // As far as the thread has told.
  virtual dataplane::Traffic sent(PeerNumber peer) const = 0;
  virtual DropCounters drops() const = 0;
};

class Core {
 public:
  // All references outlive the core.
  Core(EngineConfig config, const crypto::Suite& suite, Random& random, NumberSource& numbers,
       Machine& machine);

  // What the TUN device takes as super-frames. At first nothing: to_tun() gets plain packets only.
  void set_coalescing(dataplane::Coalescer::Settings settings) { rx_.set_coalescing(settings); }
  // Shows the inner packets' DSCP to the underlay. Off at first.
  void set_copy_dscp(bool on) { sealer_.set_copy_dscp(on); }
  // Before start(): others seal, and from_tun() is not called. The door outlives the core's inputs.
  void seal_elsewhere(SealingDoor& door) { elsewhere_ = &door; }

  void start(Now now, const Interfaces& interfaces);
  void interfaces_changed(Now now, const Interfaces& interfaces);
  // Frames with headroom and tailroom; garbage afterwards.
  void from_tun(Now now, std::span<const TunFrame> frames);
  // What a pump behind a SealingDoor noticed.
  void from_sealing(Now now, const dataplane::EventBatch& batch);
  // Datagrams of the shared port; opened in place.
  void from_underlay(Now now, std::span<const DatagramRun> runs);
  void from_lan(Now now, const discovery::LanDatagram& datagram);
  // A datagram of that size was larger than the interface of that path takes. Not from within
  // send().
  void too_big(Now now, const Path& path, std::size_t size);
  void from_directory(Now now, const discovery::DhtKey& key, ByteView value);
  void store_lost(Now now);
  void add_reflector(Now now, const Endpoint& server,
                     discovery::StunClient::Rank rank = discovery::StunClient::Rank::named);
  void remove_reflector(Now now, const Endpoint& server);
  void echoed(Now now, std::vector<IpAddress> addresses);
  void set_serving(Now now, bool serves, discovery::Serving serving);
  void recall(Now now, const std::vector<RememberedMember>& memory);
  void set_watched(bool watched) { engine_.set_watched(watched); }
  void ask(Now now, Question::Kind kind, const NodeId& member, std::uint64_t asker);
  void timeout(Now now);
  void shutdown(Now now);

  std::optional<TimePoint> next_deadline() const { return engine_.next_deadline(); }
  const Engine& engine() const { return engine_; }
  dataplane::Traffic sent(PeerNumber peer) const {
    return elsewhere_ != nullptr ? elsewhere_->sent(peer) : sealer_.tx().traffic(peer);
  }
  dataplane::Traffic received(PeerNumber peer) const { return rx_.traffic(peer); }
  // Of engine and pumps together.
  DropCounters drops() const;

 private:
  void drain(Now now);
  void pass(Now now, const dataplane::RxPump::Passed& passed);
  void perform(Now now, Output& output);
  void seal(Now now, dataplane::SealTask task);
  void change(const dataplane::SlotChange& change);

  class SealedHere;
  Machine& machine_;
  dataplane::Sealer sealer_;  // idle if others seal
  SealingDoor* elsewhere_ = nullptr;
  std::uint64_t changes_ = 0;  // given away
  dataplane::RxPump rx_;
  Engine engine_;
  dataplane::RxPump::Output opened_;
  dataplane::ScratchFrame packet_;
  DropCounters drops_;
};

}  // namespace meshnode::overlay
