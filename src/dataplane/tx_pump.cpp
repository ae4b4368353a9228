#include "dataplane/tx_pump.h"

#include "wire/ip.h"

namespace meshnode::dataplane {

void TxPump::pump(std::span<const TunFrame> frames, TimePoint now, Output& out) {
  for (const TunFrame& frame : frames) pump_one(frame, now, out);
}

void TxPump::pump_one(const TunFrame& frame, TimePoint now, Output& out) {
  const auto header = wire::parse_ip(frame.packet);
  if (!header) return drops_.count(Drop::bad_packet);
  if (header->destination.is_multicast()) return drops_.count(Drop::multicast);

  const auto route = routes_->find(header->destination);
  if (route == routes_->end()) {
    out.events.push_back({.kind = PumpEvent::Kind::no_route, .bytes = frame.packet});
    return;
  }
  const PeerNumber number = route->second;
  Peer& peer = peers_[number];
  std::uint64_t counter = 0;
  if (peer.key == nullptr || !peer.path || !take_counter(number, *peer.key, counter, out)) {
    out.events.push_back(
        {.kind = PumpEvent::Kind::no_session, .peer = number, .bytes = frame.packet});
    return;
  }
  const MutableBytes packet = frame.packet.first(header->total_size);
  seal_in_place(*peer.key, counter, wire::FrameKind::ip, packet, *peer.path, out);
  account(number, peer, packet.size(), now, out);
}

bool TxPump::take_counter(PeerNumber number, Key& key, std::uint64_t& counter, Output& out) {
  if (key.counter >= kWornCounter && !key.reported_worn) {
    key.reported_worn = true;
    out.events.push_back(
        {.kind = PumpEvent::Kind::key_worn, .peer = number, .session = key.slot->local_index});
  }
  if (key.counter >= kLastCounter) {
    drops_.count(Drop::key_worn_out);
    return false;
  }
  counter = key.counter++;
  return true;
}

void TxPump::seal_in_place(Key& key, std::uint64_t counter, wire::FrameKind kind, MutableBytes text,
                           const Path& path, Output& out) {
  const std::size_t padded = wire::padded_size(text.size(), mtu_);
  std::uint8_t* frame = text.data() - wire::kFrameHeaderSize;
  std::fill_n(text.data() + text.size(), padded - text.size(), std::uint8_t{0});
  wire::write_frame_header(frame,
                           {.kind = kind, .receiver = key.slot->remote_index, .counter = counter});
  crypto::FrameJob job{
      .frame = frame, .ad_size = wire::kFrameHeaderSize, .text_size = padded, .counter = counter};
  key.cipher->seal({&job, 1});
  const std::size_t size = padded + wire::kFrameOverhead;
  out.runs.push_back({.path = path, .data = {frame, size}, .segment_size = size});
}

void TxPump::account(PeerNumber number, Peer& peer, std::size_t bytes, TimePoint now, Output& out) {
  ++peer.traffic.packets;
  peer.traffic.bytes += bytes;
  if (peer.reported && now - peer.last_reported < kActivityInterval) return;
  peer.reported = true;
  peer.last_reported = now;
  out.events.push_back({.kind = PumpEvent::Kind::sent, .peer = number});
}

bool TxPump::seal_control(PeerNumber number, MutableBytes buffer, std::size_t text_size,
                          Output& out) {
  const auto found = peers_.find(number);
  if (found == peers_.end()) return false;
  Peer& peer = found->second;
  MESH_ASSERT(buffer.size() >= wire::kFrameOverhead + text_size + wire::kMaxPadding);
  std::uint64_t counter = 0;
  if (peer.key == nullptr || !peer.path || !take_counter(number, *peer.key, counter, out))
    return false;
  seal_in_place(*peer.key, counter, wire::FrameKind::control,
                buffer.subspan(wire::kFrameHeaderSize, text_size), *peer.path, out);
  return true;
}

Traffic TxPump::traffic(PeerNumber peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? Traffic{} : found->second.traffic;
}

void TxPump::set_counter_for_test(SessionIndex local_index, std::uint64_t counter) {
  keys_.at(local_index).counter = counter;
}

void TxPump::apply(const SlotChange& change) {
  struct Visitor {
    TxPump& pump;
    void operator()(const AddKey& c) {
      Key key;
      key.slot = c.key;
      key.cipher = c.key->make_cipher(c.key->cipher, c.key->send_key);
      const bool added = pump.keys_.emplace(c.key->local_index, std::move(key)).second;
      MESH_ASSERT(added);
    }
    void operator()(const UseKey& c) { pump.peers_[c.peer].key = &pump.keys_.at(c.local_index); }
    void operator()(const DropKey& c) {
      const auto found = pump.keys_.find(c.local_index);
      if (found == pump.keys_.end()) return;
      for (auto& [number, peer] : pump.peers_)
        if (peer.key == &found->second) peer.key = nullptr;
      pump.keys_.erase(found);
    }
    void operator()(const SetPath& c) { pump.peers_[c.peer].path = c.path; }
    void operator()(const SetSources&) {}
    void operator()(const SetRoutes& c) { pump.routes_ = c.routes; }
    void operator()(const SetOwnAddresses&) {}
    void operator()(const DropPeer& c) { pump.peers_.erase(c.peer); }
  };
  std::visit(Visitor{*this}, change);
}

}  // namespace meshnode::dataplane
