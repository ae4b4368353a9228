#include "dataplane/rx_pump.h"

#include "dataplane/ecn.h"

namespace meshnode::dataplane {
namespace {

// Apart by more than a page's multiple, so that the beginnings of frames do not meet in the caches.
constexpr std::size_t kStride = (Coalescer::kSlotSize + 127) / 64 * 64;

MutableBytes text_of(MutableBytes datagram) {
  return datagram.subspan(wire::kFrameHeaderSize, datagram.size() - wire::kFrameOverhead);
}

}  // namespace

void RxPump::set_coalescing(Coalescer::Settings settings) {
  coalescing_ = settings;
  if (coalescer_) coalescer_->set(settings);
}

void RxPump::pump(std::span<const DatagramRun> runs, TimePoint now, Output& out, FrameSink& sink) {
  session_ = {};
  messages_.clear();
  for (const DatagramRun& run : runs) {
    const Arrival arrival{run, now, out, sink};
    const std::size_t step = run.segment_size == 0 ? run.data.size() : run.segment_size;
    for (std::size_t at = 0; at < run.data.size(); at += step)
      classify(arrival, run.data.subspan(at, std::min(step, run.data.size() - at)));
  }
  flush(sink);
}

void RxPump::classify(const Arrival& arrival, MutableBytes datagram) {
  const wire::Protocol protocol = wire::protocol_of(datagram[0]);
  if (protocol == wire::Protocol::unknown) return drops_.count(Drop::unknown_type);
  if (datagram[0] == static_cast<std::uint8_t>(wire::MessageType::data))
    return take_frame(arrival, datagram);
  arrival.out.passed.push_back({protocol, arrival.run.path, datagram});
}

void RxPump::take_frame(const Arrival& arrival, MutableBytes datagram) {
  const auto header = wire::parse_frame_header(datagram);
  if (!header || datagram.size() > kMaxRunBytes) return drops_.count(Drop::malformed);
  if (!find_session(header->receiver)) return drops_.count(Drop::unknown_session);
  if (!session_.key->window.would_accept(header->counter)) return drops_.count(Drop::replayed);
  // Kind and flags may be forged until the frame is open; so may be all else.
  if (header->kind == wire::FrameKind::ip && header->flags == 0 &&
      datagram.size() > wire::kFrameOverhead)
    return open_packet(arrival, *header, datagram);
  open_in_place(arrival, *header, datagram);
}

bool RxPump::find_session(SessionIndex index) {
  if (session_.key != nullptr && session_.index == index) return true;
  const auto found = keys_.find(index);
  if (found == keys_.end()) return false;
  session_ = {.index = index, .key = &found->second};
  return true;
}

// True: it is authentic, came for the first time, and stands at `text`.
bool RxPump::open(const wire::FrameHeader& header, MutableBytes datagram, std::uint8_t* text) {
  Key& key = *session_.key;
  crypto::FrameJob job{.ad = datagram.data(),
                       .ad_size = wire::kFrameHeaderSize,
                       .in = datagram.data() + wire::kFrameHeaderSize,
                       .out = text,
                       .text_size = datagram.size() - wire::kFrameOverhead,
                       .counter = header.counter};
  key.cipher->open({&job, 1});
  if (!job.ok) {
    drops_.count(Drop::auth_failed);
    return false;
  }
  if (!key.window.mark(header.counter)) {
    drops_.count(Drop::replayed);
    return false;
  }
  if (session_.peer == nullptr) session_.peer = &peers_[key.slot->peer];
  return true;
}

void RxPump::open_packet(const Arrival& arrival, const wire::FrameHeader& header,
                         MutableBytes datagram) {
  const MutableBytes text = place_for(arrival, text_of(datagram).size());
  const bool opened = open(header, datagram, text.data());
  if (opened) report(arrival, true);
  const std::size_t size = opened ? check_packet(text, arrival.run.tos) : 0;
  if (size == 0) return coalescer_->reject();
  ++session_.peer->traffic.packets;
  session_.peer->traffic.bytes += size;
  coalescer_->accept(size);
}

void RxPump::open_in_place(const Arrival& arrival, const wire::FrameHeader& header,
                           MutableBytes datagram) {
  const MutableBytes text = text_of(datagram);
  if (!open(header, datagram, text.data())) return;
  if (header.flags != 0 || header.kind > wire::FrameKind::piece)
    return drops_.count(Drop::unsupported);
  if (header.kind == wire::FrameKind::piece) return take_piece(arrival, text);
  const bool inner = header.kind == wire::FrameKind::ip;
  report(arrival, inner);
  if (inner) return drops_.count(Drop::bad_packet);  // it is empty
  arrival.out.events.push_back({.kind = PumpEvent::Kind::control,
                                .peer = session_.key->slot->peer,
                                .session = session_.index,
                                .path = arrival.run.path,
                                .bytes = text});
}

// Whoever sends pieces is there, whether they become a packet or not.
void RxPump::take_piece(const Arrival& arrival, ByteView text) {
  const auto piece = wire::parse_piece(text);
  report(arrival, piece && piece->kind == wire::FrameKind::ip);
  const auto whole = reassemblies_.add(arrival.now, session_.key->slot->peer, session_.index, text,
                                       drops_, is_congested(arrival.run.tos));
  if (!whole) return;
  if (whole->kind == wire::FrameKind::control) return take_whole_message(arrival, whole->bytes);
  const MutableBytes place = place_for(arrival, whole->bytes.size());
  std::copy(whole->bytes.begin(), whole->bytes.end(), place.begin());
  const std::size_t size = check_packet(place, whole->congested ? kCongested : arrival.run.tos);
  if (size == 0) return coalescer_->reject();
  ++session_.peer->traffic.packets;
  session_.peer->traffic.bytes += size;
  coalescer_->accept(size);
}

void RxPump::take_whole_message(const Arrival& arrival, ByteView text) {
  if (messages_.size() == kMaxMessages) return drops_.count(Drop::unassembled);
  messages_.push_back(to_bytes(text));
  arrival.out.events.push_back({.kind = PumpEvent::Kind::control,
                                .peer = session_.key->slot->peer,
                                .session = session_.index,
                                .path = arrival.run.path,
                                .bytes = messages_.back()});
}

MutableBytes RxPump::place_for(const Arrival& arrival, std::size_t size) {
  if (!coalescer_) {
    // Not make_unique: only pages that are used cost memory.
    memory_.reset(new std::uint8_t[kFrames * kStride]);
    std::array<MutableBytes, kFrames> slots;
    for (std::size_t i = 0; i < kFrames; ++i)
      slots[i] = {memory_.get() + i * kStride, Coalescer::kSlotSize};
    coalescer_.emplace(slots, coalescing_);
  }
  MutableBytes place = coalescer_->place_for(size);
  if (!place.empty()) return place;
  flush(arrival.sink);
  return coalescer_->place_for(size);
}

void RxPump::flush(FrameSink& sink) {
  if (!coalescer_) return;
  const auto frames = coalescer_->flush();
  if (!frames.empty()) sink.to_tun(frames);
}

void RxPump::report(const Arrival& arrival, bool inner) {
  Key& key = *session_.key;
  Peer& peer = *session_.peer;
  const Path& path = arrival.run.path;
  const auto tell = [&](PumpEvent::Kind kind) {
    arrival.out.events.push_back({.kind = kind,
                                  .peer = key.slot->peer,
                                  .session = session_.index,
                                  .path = path,
                                  .bytes = {},
                                  .inner_data = inner});
  };
  if (key.slot->report_first_data && !key.first_data_reported) {
    key.first_data_reported = true;
    tell(PumpEvent::Kind::first_data);
  } else if (peer.path && !peer.path->same_remote(path) &&
             (!peer.told_new_endpoint ||
              arrival.now - peer.last_new_endpoint >= kNewEndpointInterval)) {
    peer.told_new_endpoint = true;
    peer.last_new_endpoint = arrival.now;
    tell(PumpEvent::Kind::new_endpoint);
  }
  bool& heard = inner ? peer.heard_inner : peer.heard;
  TimePoint& last = inner ? peer.last_inner_activity : peer.last_activity;
  if (heard && arrival.now - last < kActivityInterval) return;
  heard = true;
  last = arrival.now;
  tell(PumpEvent::Kind::received);
}

// The size of the packet at the front of `text`, 0 if it is not to be delivered.
std::size_t RxPump::check_packet(MutableBytes text, std::uint8_t tos) {
  const auto header = wire::parse_ip(text);
  if (!header || text.size() - header->total_size > wire::kMaxPadding) {
    drops_.count(Drop::bad_packet);
    return 0;
  }
  if (!check_addresses(*header)) return 0;
  if (!take_over_ecn(text.first(header->total_size), tos)) {
    drops_.count(Drop::congested);
    return 0;
  }
  return header->total_size;
}

bool RxPump::check_addresses(const wire::IpHeader& header) {
  if (header.source == session_.source && header.destination == session_.destination) return true;
  const Peer& peer = *session_.peer;
  if (!peer.sources || !peer.sources->contains(header.source)) {
    drops_.count(Drop::spoofed_source);
    return false;
  }
  if (!own_->contains(header.destination)) {
    drops_.count(Drop::foreign_destination);
    return false;
  }
  session_.source = header.source;
  session_.destination = header.destination;
  return true;
}

Traffic RxPump::traffic(PeerNumber peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? Traffic{} : found->second.traffic;
}

void RxPump::apply(const SlotChange& change) {
  struct Visitor {
    RxPump& pump;
    void operator()(const AddKey& c) {
      Key key;
      key.slot = c.key;
      key.cipher = c.key->make_cipher(c.key->cipher, c.key->receive_key);
      const bool added = pump.keys_.emplace(c.key->local_index, std::move(key)).second;
      MESH_ASSERT(added);
    }
    void operator()(const UseKey&) {}
    void operator()(const DropKey& c) { pump.keys_.erase(c.local_index); }
    void operator()(const SetPath& c) { pump.peers_[c.peer].path = c.path; }
    void operator()(const SetLimit&) {}
    void operator()(const SetSources& c) { pump.peers_[c.peer].sources = c.addresses; }
    void operator()(const SetRoutes&) {}
    void operator()(const SetOwnAddresses& c) { pump.own_ = c.addresses; }
    void operator()(const DropPeer& c) {
      pump.peers_.erase(c.peer);
      pump.reassemblies_.drop(c.peer);
    }
  };
  std::visit(Visitor{*this}, change);
}

}  // namespace meshnode::dataplane
