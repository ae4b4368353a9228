#include "dataplane/tx_pump.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/gso.h"
#include "dataplane/ecn.h"
#include "dataplane/split.h"

namespace meshnode::dataplane {
namespace {

// Data of the smallest pieces, the last one of a packet aside.
constexpr std::size_t kLeastShare =
    TxPump::kLeastDatagram - wire::kFrameOverhead - wire::kPieceHeaderSize;
static_assert(kLeastShare % (wire::kMaxPadding + 1) == wire::kPieceUnit);

// Whether its sender can be told that it is too large, and then sends smaller ones.
bool may_refuse(ByteView packet, const wire::IpHeader& header) {
  constexpr std::uint8_t kDontFragment = 0x40;
  if (header.source.is_v6()) return packet.size() > TxPump::kLeastPacketV6;
  return packet.size() > TxPump::kLeastPacketV4 && (packet[6] & kDontFragment) != 0;
}

}  // namespace

MutableBytes TxPump::Output::take(std::size_t size) {
  MESH_ASSERT(size <= room());
  // Not make_unique: thousands of simulated nodes must not pay for zeros.
  if (!memory_) memory_.reset(new std::uint8_t[kOutputBytes]);
  const MutableBytes taken{memory_.get() + used_, size};
  used_ += size;
  return taken;
}

std::size_t TxPump::pump(std::span<const TunFrame> frames, TimePoint now, Output& out) {
  route_ = {};
  for (std::size_t i = 0; i < frames.size(); ++i)
    if (!pump_one(frames[i], now, out)) return i;
  return frames.size();
}

bool TxPump::pump_one(TunFrame frame, TimePoint now, Output& out) {
  const auto drop = [&](Drop reason) {
    drops_.count(reason);
    return true;
  };
  const auto header = wire::parse_ip(frame.packet);
  if (!header) return drop(Drop::bad_packet);
  if (header->destination.is_multicast()) return drop(Drop::multicast);

  // A super-frame is asked how much it will be; a packet is touched only where there is room.
  const bool super = frame.gso_type != kGsoNone;
  if (!super) frame.packet = frame.packet.first(header->total_size);
  if (super && !segmenter_.begin(frame)) return drop(Drop::bad_packet);
  const std::size_t bound = super ? sealed_bound(segmenter_.count(), segmenter_.largest())
                                  : sealed_bound(1, frame.packet.size());
  if (bound > kOutputBytes) return drop(Drop::bad_packet);
  if (bound > out.room()) return false;
  if (!super && !segmenter_.begin(frame)) return drop(Drop::bad_packet);

  if (header->destination != route_.destination) find_route(header->destination);
  send_all(*header, super, now, out);
  return true;
}

std::size_t TxPump::sealed_bound(std::size_t packets, std::size_t largest) const {
  constexpr std::size_t kEach = wire::kMaxPadding + wire::kFrameOverhead;
  // Beside the frames a copy of a packet that is too large, or that had to stay in the middle.
  const std::size_t pieces = largest / kLeastShare + 1;
  return 2 * largest + packets * (largest + pieces * (kEach + wire::kPieceHeaderSize));
}

void TxPump::find_route(const IpAddress& destination) {
  route_ = {.destination = destination};
  const auto found = routes_->find(destination);
  if (found == routes_->end()) return;
  route_.number = found->second;
  route_.peer = &peers_[found->second];
}

void TxPump::send_all(const wire::IpHeader& header, bool super, TimePoint now, Output& out) {
  Peer* const peer = route_.peer;
  const bool open = peer != nullptr && peer->key != nullptr && peer->path;
  const std::uint8_t tos = outer_tos(header.tos, copy_dscp_);
  Traffic sent;
  bool told = false;
  for (MutableBytes packet = segmenter_.next(); !packet.empty(); packet = segmenter_.next()) {
    const std::size_t wanted = wire::padded_size(packet.size(), mtu_) + wire::kFrameOverhead;
    if (wanted > kMaxRunBytes) {
      drops_.count(Drop::too_big);
      continue;
    }
    if (!open) {
      tell_unsent(packet, out);
      continue;
    }
    peer->wanted = std::max(peer->wanted, wanted);
    const bool fits = wanted <= peer->largest;
    if (!fits && peer->refuses && may_refuse(packet, header)) {
      if (!std::exchange(told, true)) tell_too_big(*peer, packet, out);
      // The rest of a super-frame is under way already: it is carried all the same.
      if (!super) return drops_.count(Drop::too_big);
    }
    if (!(fits ? send_whole(*peer, packet, tos, out)
               : send_pieces(route_.number, *peer, wire::FrameKind::ip, packet, peer->largest, tos,
                             out))) {
      tell_unsent(packet, out);
      continue;
    }
    ++sent.packets;
    sent.bytes += packet.size();
  }
  if (sent.packets > 0) account(*peer, sent, now, out);
}

bool TxPump::send_whole(Peer& peer, MutableBytes packet, std::uint8_t tos, Output& out) {
  std::uint64_t counter = 0;
  if (!take_counter(route_.number, *peer.key, counter, out)) return false;
  const std::size_t padded = wire::padded_size(packet.size(), mtu_);
  const MutableBytes datagram = out.take(padded + wire::kFrameOverhead);
  seal(*peer.key, counter, wire::FrameKind::ip, packet, datagram.data());
  append(*peer.path, tos, datagram, out);
  return true;
}

bool TxPump::send_pieces(PeerNumber number, Peer& peer, wire::FrameKind kind, ByteView whole,
                         std::size_t largest, std::uint8_t tos, Output& out) {
  Splitter splitter(whole, kind, peer.in_pieces++, largest - wire::kFrameOverhead);
  while (const std::size_t size = splitter.next_size()) {
    std::uint64_t counter = 0;
    if (!take_counter(number, *peer.key, counter, out)) return false;
    const MutableBytes datagram = out.take(wire::padded_size(size, mtu_) + wire::kFrameOverhead);
    const MutableBytes text = datagram.subspan(wire::kFrameHeaderSize, size);
    splitter.next(text.data());
    seal(*peer.key, counter, wire::FrameKind::piece, text, datagram.data());
    append(*peer.path, tos, datagram, out);
  }
  return true;
}

void TxPump::tell_too_big(const Peer& peer, ByteView packet, Output& out) const {
  const MutableBytes copy = out.take(packet.size());
  std::memcpy(copy.data(), packet.data(), packet.size());
  out.events.push_back({.kind = PumpEvent::Kind::too_big,
                        .peer = route_.number,
                        .bytes = copy,
                        .size = peer.largest - wire::kFrameOverhead});
}

// The packet itself does not outlive the next one of its frame.
void TxPump::tell_unsent(MutableBytes packet, Output& out) const {
  const MutableBytes copy = out.take(packet.size());
  std::memcpy(copy.data(), packet.data(), packet.size());
  out.events.push_back(
      {.kind = route_.peer == nullptr ? PumpEvent::Kind::no_route : PumpEvent::Kind::no_session,
       .peer = route_.number,
       .bytes = copy});
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

// From `text`, which has room for padding behind it, to the complete frame at `frame`.
void TxPump::seal(Key& key, std::uint64_t counter, wire::FrameKind kind, MutableBytes text,
                  std::uint8_t* frame) const {
  const std::size_t padded = wire::padded_size(text.size(), mtu_);
  std::fill_n(text.data() + text.size(), padded - text.size(), std::uint8_t{0});
  wire::write_frame_header(frame,
                           {.kind = kind, .receiver = key.slot->remote_index, .counter = counter});
  crypto::FrameJob job{.ad = frame,
                       .ad_size = wire::kFrameHeaderSize,
                       .in = text.data(),
                       .out = frame + wire::kFrameHeaderSize,
                       .text_size = padded,
                       .counter = counter};
  key.cipher->seal({&job, 1});
}

void TxPump::append(const Path& path, std::uint8_t tos, MutableBytes datagram, Output& out) const {
  const std::size_t size = datagram.size();
  if (!out.runs.empty()) {
    DatagramRun& last = out.runs.back();
    const std::size_t grown = last.data.size() + size;
    // Behind a shorter datagram the run's size is no multiple any more.
    if (last.data.data() + last.data.size() == datagram.data() && size <= last.segment_size &&
        last.data.size() % last.segment_size == 0 && grown <= kMaxRunBytes &&
        grown <= kMaxRunSegments * last.segment_size && last.tos == tos && last.path == path) {
      last.data = {last.data.data(), grown};
      return;
    }
  }
  out.runs.push_back({.path = path, .data = datagram, .segment_size = size, .tos = tos});
}

void TxPump::account(Peer& peer, const Traffic& sent, TimePoint now, Output& out) {
  peer.traffic.packets += sent.packets;
  peer.traffic.bytes += sent.bytes;
  if (peer.reported && now - peer.last_reported < kActivityInterval) return;
  peer.reported = true;
  peer.last_reported = now;
  out.events.push_back({.kind = PumpEvent::Kind::sent,
                        .peer = route_.number,
                        .size = std::exchange(peer.wanted, 0)});
}

bool TxPump::seal_control(PeerNumber number, MutableBytes buffer, std::size_t text_size,
                          Output& out, bool whole) {
  const auto found = peers_.find(number);
  if (found == peers_.end()) return false;
  Peer& peer = found->second;
  MESH_ASSERT(buffer.size() >= wire::kFrameOverhead + text_size + wire::kMaxPadding);
  if (peer.key == nullptr || !peer.path) return false;
  const ByteView text = buffer.subspan(wire::kFrameHeaderSize, text_size);
  if (!whole && wire::padded_size(text_size, mtu_) + wire::kFrameOverhead > peer.largest_message)
    return sealed_bound(1, text_size) <= out.room() &&
           send_pieces(number, peer, wire::FrameKind::control, text, peer.largest_message, 0, out);
  std::uint64_t counter = 0;
  if (!take_counter(number, *peer.key, counter, out)) return false;
  seal(*peer.key, counter, wire::FrameKind::control,
       buffer.subspan(wire::kFrameHeaderSize, text_size), buffer.data());
  const std::size_t size = wire::padded_size(text_size, mtu_) + wire::kFrameOverhead;
  out.runs.push_back({.path = *peer.path, .data = buffer.first(size), .segment_size = size});
  return true;
}

Traffic TxPump::traffic(PeerNumber peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? Traffic{} : found->second.traffic;
}

void TxPump::copy_traffic(std::vector<std::pair<PeerNumber, Traffic>>& to) const {
  to.clear();
  for (const auto& [number, peer] : peers_) to.emplace_back(number, peer.traffic);
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
    void operator()(const SetLimit& c) {
      Peer& peer = pump.peers_[c.peer];
      peer.largest = std::max(c.datagram, kLeastDatagram);
      peer.largest_message = std::max(c.message, kLeastDatagram);
      peer.refuses = c.settled;
    }
    void operator()(const SetSources&) {}
    void operator()(const SetRoutes& c) { pump.routes_ = c.routes; }
    void operator()(const SetOwnAddresses&) {}
    void operator()(const DropPeer& c) { pump.peers_.erase(c.peer); }
  };
  std::visit(Visitor{*this}, change);
}

}  // namespace meshnode::dataplane
