#include "overlay/core.h"

namespace meshnode::overlay {

Core::Core(EngineConfig config, const crypto::Suite& suite, Random& random, NumberSource& numbers,
           Machine& machine)
    : machine_(machine), sealer_(config.mtu), engine_(std::move(config), suite, random, numbers) {}

void Core::start(Now now, const Interfaces& interfaces) {
  engine_.start(now);
  engine_.handle_interfaces(now, interfaces);
  drain(now);
}

void Core::interfaces_changed(Now now, const Interfaces& interfaces) {
  engine_.handle_interfaces(now, interfaces);
  drain(now);
}

// Sends what the TX pump has sealed, then tells the engine what it noticed.
class Core::SealedHere final : public dataplane::SealedSink {
 public:
  SealedHere(Core& core, Now now) : core_(core), now_(now) {}
  void take_sealed(const dataplane::TxPump::Output& sealed) override {
    if (!sealed.runs.empty()) core_.machine_.send(sealed.runs);
    for (const dataplane::PumpEvent& event : sealed.events)
      core_.engine_.handle_pump_event(now_, event);
  }

 private:
  Core& core_;
  Now now_;
};

void Core::from_tun(Now now, std::span<const TunFrame> frames) {
  SealedHere sink(*this, now);
  sealer_.pump(frames, now.mono, sink);
  drain(now);
}

// A packet that failed before all changes had reached the pump is tried once more behind them: the
// engine would take it for one that waits for something, and nothing comes any more.
void Core::from_sealing(Now now, const dataplane::EventBatch& batch) {
  for (const dataplane::EventBatch::Unsent& unsent : batch.unsent()) {
    const bool outdated = unsent.changes < changes_;
    if (outdated && unsent.event.kind != dataplane::PumpEvent::Kind::too_big)
      elsewhere_->put(ResendPacket{to_bytes(unsent.event.bytes)});
    else
      engine_.handle_pump_event(now, unsent.event);
  }
  for (const dataplane::EventBatch::Note& note : batch.notes())
    engine_.handle_pump_event(now, note.event());
  for (const dataplane::EventBatch::Refused& refused : batch.refused())
    engine_.handle_too_big(now, refused.path, refused.size);
  drain(now);
}

void Core::from_underlay(Now now, std::span<const DatagramRun> runs) {
  opened_.clear();
  rx_.pump(runs, now.mono, opened_, machine_);
  for (const dataplane::PumpEvent& event : opened_.events) engine_.handle_pump_event(now, event);
  for (const dataplane::RxPump::Passed& passed : opened_.passed) pass(now, passed);
  drain(now);
}

void Core::pass(Now now, const dataplane::RxPump::Passed& passed) {
  switch (passed.protocol) {
    case wire::Protocol::meshnode:
      return engine_.handle_message(now, passed.path, passed.datagram);
    case wire::Protocol::stun:
      if (engine_.handle_stun(now, passed.path, passed.datagram)) return;
      break;
    case wire::Protocol::dht:
    case wire::Protocol::unknown:
      break;
  }
  machine_.pass_on(passed.protocol, passed.path, passed.datagram);
}

void Core::from_directory(Now now, const discovery::DhtKey& key, ByteView value) {
  engine_.handle_directory(now, key, value);
  drain(now);
}

void Core::store_lost(Now now) {
  engine_.handle_store_lost(now);
  drain(now);
}

void Core::add_reflector(Now now, const Endpoint& server, discovery::StunClient::Rank rank) {
  engine_.add_reflector(now, server, rank);
  drain(now);
}

void Core::remove_reflector(Now now, const Endpoint& server) {
  engine_.remove_reflector(now, server);
  drain(now);
}

void Core::echoed(Now now, std::vector<IpAddress> addresses) {
  engine_.handle_echo(now, std::move(addresses));
  drain(now);
}

void Core::from_lan(Now now, const discovery::LanDatagram& datagram) {
  engine_.handle_beacon(now, datagram);
  drain(now);
}

void Core::too_big(Now now, const Path& path, std::size_t size) {
  engine_.handle_too_big(now, path, size);
  drain(now);
}

void Core::set_serving(Now now, bool serves, discovery::Serving serving) {
  engine_.set_serving(now, serves, std::move(serving));
  drain(now);
}

void Core::recall(Now now, const std::vector<RememberedMember>& memory) {
  engine_.recall(now, memory);
  drain(now);
}

void Core::ask(Now now, Question::Kind kind, const NodeId& member, std::uint64_t asker) {
  engine_.ask(now, kind, member, asker);
  drain(now);
}

void Core::timeout(Now now) {
  engine_.handle_timeout(now);
  drain(now);
}

void Core::shutdown(Now now) {
  engine_.shutdown(now);
  drain(now);
}

void Core::drain(Now now) {
  while (auto output = engine_.poll()) perform(now, *output);
}

void Core::seal(Now now, dataplane::SealTask task) {
  if (elsewhere_ != nullptr) return elsewhere_->put(std::move(task));
  SealedHere sink(*this, now);
  sealer_.perform(task, now.mono, sink);
}

void Core::change(const dataplane::SlotChange& change) {
  rx_.apply(change);
  if (elsewhere_ == nullptr) return sealer_.apply(change);
  ++changes_;
  elsewhere_->put(change);
}

void Core::perform(Now now, Output& output) {
  struct Visitor {
    Core& core;
    Now now;
    void operator()(SendMessage& m) {
      const DatagramRun run{m.path, m.bytes, m.bytes.size()};
      core.machine_.send({&run, 1});
    }
    void operator()(OpenWay& m) { core.machine_.open_way(m.path); }
    void operator()(discovery::BeaconTransmit& m) { core.machine_.send_beacon(m); }
    void operator()(dataplane::SlotChange& m) { core.change(m); }
    void operator()(SendControl& m) { core.seal(now, std::move(m)); }
    void operator()(ResendPacket& m) { core.seal(now, std::move(m)); }
    void operator()(DeliverPacket& m) {
      const TunFrame frame = core.packet_.hold(m.packet);
      core.machine_.to_tun({&frame, 1});
    }
    void operator()(discovery::DhtRequest& m) { core.machine_.ask_dht(m); }
    void operator()(PeerConnected& m) { core.machine_.tell(m); }
    void operator()(PeerLost& m) { core.machine_.tell(m); }
    void operator()(AddressConflict& m) { core.machine_.tell(m); }
    void operator()(NatKnown& m) { core.machine_.tell(m); }
    void operator()(ServersKnown& m) { core.machine_.tell(m); }
    void operator()(TwinIdentity& m) { core.machine_.tell(m); }
    void operator()(PathChanged& m) { core.machine_.tell(m); }
    void operator()(MemberHeard& m) { core.machine_.tell(m); }
    void operator()(MemberLeft& m) { core.machine_.tell(m); }
    void operator()(Answered& m) { core.machine_.tell(m); }
  };
  std::visit(Visitor{*this, now}, output);
}

DropCounters Core::drops() const {
  DropCounters sum = drops_;
  sum.add(elsewhere_ != nullptr ? elsewhere_->drops() : sealer_.tx().drops());
  sum.add(rx_.drops());
  sum.add(engine_.drops());
  return sum;
}

}  // namespace meshnode::overlay
