#include "overlay/core.h"

namespace meshnode::overlay {

Core::Core(EngineConfig config, const crypto::Suite& suite, Random& random, NumberSource& numbers,
           Machine& machine)
    : machine_(machine), tx_(config.mtu), engine_(std::move(config), suite, random, numbers) {}

void Core::start(Now now, const Interfaces& interfaces) {
  engine_.start(now);
  engine_.handle_interfaces(now, interfaces);
  drain(now);
}

void Core::interfaces_changed(Now now, const Interfaces& interfaces) {
  engine_.handle_interfaces(now, interfaces);
  drain(now);
}

void Core::from_tun(Now now, std::span<const TunFrame> frames) {
  while (!frames.empty()) {
    const std::size_t taken = tx_.pump(frames, now.mono, sealed_);
    frames = frames.subspan(taken);
    flush_sealed(now);
  }
  drain(now);
}

// Sends what the TX pump has sealed, then tells the engine what it noticed.
void Core::flush_sealed(Now now) {
  if (!sealed_.runs.empty()) machine_.send(sealed_.runs);
  for (const dataplane::PumpEvent& event : sealed_.events) engine_.handle_pump_event(now, event);
  sealed_.clear();
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

TunFrame Core::frame_in_scratch(ByteView packet) {
  scratch_.resize(kFrameHeadroom + packet.size() + kFrameTailroom);
  std::copy(packet.begin(), packet.end(), scratch_.begin() + kFrameHeadroom);
  TunFrame frame;
  frame.packet = MutableBytes(scratch_).subspan(kFrameHeadroom, packet.size());
  return frame;
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
    void operator()(dataplane::SlotChange& m) {
      core.tx_.apply(m);
      core.rx_.apply(m);
    }
    void operator()(SendControl& m) {
      core.scratch_.assign(wire::kFrameHeaderSize, 0);
      Writer(core.scratch_).bytes(m.text);
      core.scratch_.resize(wire::kFrameOverhead + m.text.size() + wire::kMaxPadding);
      core.tx_.seal_control(m.peer, core.scratch_, m.text.size(), core.sealed_, m.whole);
      core.flush_sealed(now);
    }
    void operator()(ResendPacket& m) {
      const TunFrame frame = core.frame_in_scratch(m.packet);
      core.tx_.pump({&frame, 1}, now.mono, core.sealed_);
      core.flush_sealed(now);
    }
    void operator()(DeliverPacket& m) {
      const TunFrame frame = core.frame_in_scratch(m.packet);
      core.machine_.to_tun({&frame, 1});
    }
    void operator()(discovery::DhtRequest& m) { core.machine_.ask_dht(m); }
    void operator()(PeerConnected& m) { core.machine_.tell(m); }
    void operator()(PeerLost& m) { core.machine_.tell(m); }
    void operator()(AddressConflict& m) { core.machine_.tell(m); }
    void operator()(NatKnown& m) { core.machine_.tell(m); }
    void operator()(ServersKnown& m) { core.machine_.tell(m); }
    void operator()(TwinIdentity& m) { core.machine_.tell(m); }
  };
  std::visit(Visitor{*this, now}, output);
}

DropCounters Core::drops() const {
  DropCounters sum = drops_;
  sum.add(tx_.drops());
  sum.add(rx_.drops());
  sum.add(engine_.drops());
  return sum;
}

}  // namespace meshnode::overlay
