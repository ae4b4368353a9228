#include "dataplane/rx_pump.h"

#include "wire/ip.h"

namespace meshnode::dataplane {
namespace {

constexpr std::size_t kMaxBatch = 64;

}  // namespace

void RxPump::pump(std::span<const DatagramRun> runs, TimePoint now, Output& out) {
  for (const DatagramRun& run : runs) {
    const std::size_t step = run.segment_size == 0 ? run.data.size() : run.segment_size;
    for (std::size_t at = 0; at < run.data.size(); at += step)
      classify(run.path, run.data.subspan(at, std::min(step, run.data.size() - at)), now, out);
  }
  flush(now, out);
}

void RxPump::classify(const Path& path, MutableBytes datagram, TimePoint now, Output& out) {
  if (datagram.empty()) return drops_.count(Drop::malformed);
  const wire::Protocol protocol = wire::protocol_of(datagram[0]);
  if (protocol == wire::Protocol::unknown) return drops_.count(Drop::unknown_type);
  if (datagram[0] == static_cast<std::uint8_t>(wire::MessageType::data))
    return collect(path, datagram, now, out);
  // What is not data waits for the data before it: messages act on sessions.
  flush(now, out);
  out.passed.push_back({protocol, path, datagram});
}

void RxPump::collect(const Path& path, MutableBytes datagram, TimePoint now, Output& out) {
  const auto header = wire::parse_frame_header(datagram);
  if (!header) return drops_.count(Drop::malformed);
  const auto found = keys_.find(header->receiver);
  if (found == keys_.end()) return drops_.count(Drop::unknown_session);
  Key& key = found->second;
  if (!key.window.would_accept(header->counter)) return drops_.count(Drop::replayed);
  if (batch_key_ != &key || batch_path_ != path || batch_.size() == kMaxBatch) flush(now, out);
  batch_key_ = &key;
  batch_path_ = path;
  batch_.push_back({datagram, *header});
}

void RxPump::flush(TimePoint now, Output& out) {
  if (batch_.empty()) return;
  jobs_.clear();
  for (const Candidate& candidate : batch_)
    jobs_.push_back({.frame = candidate.datagram.data(),
                     .ad_size = wire::kFrameHeaderSize,
                     .text_size = candidate.datagram.size() - wire::kFrameOverhead,
                     .counter = candidate.header.counter});
  batch_key_->cipher->open(jobs_);
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    if (jobs_[i].ok)
      accept(*batch_key_, batch_[i], now, out);
    else
      drops_.count(Drop::auth_failed);
  }
  batch_.clear();
  batch_key_ = nullptr;
}

void RxPump::accept(Key& key, const Candidate& candidate, TimePoint now, Output& out) {
  // Marked first: two copies in one batch both passed the read-only check.
  if (!key.window.mark(candidate.header.counter)) return drops_.count(Drop::replayed);
  const auto kind = candidate.header.kind;
  if (candidate.header.flags != 0 || kind > wire::FrameKind::control)
    return drops_.count(Drop::unsupported);

  Peer& peer = peers_[key.slot->peer];
  const bool inner = kind == wire::FrameKind::ip;
  report(key, peer, inner, now, out);
  const MutableBytes text = candidate.datagram.subspan(
      wire::kFrameHeaderSize, candidate.datagram.size() - wire::kFrameOverhead);
  if (inner) return deliver(peer, text, out);
  out.events.push_back({.kind = PumpEvent::Kind::control,
                        .peer = key.slot->peer,
                        .session = key.slot->local_index,
                        .path = batch_path_,
                        .bytes = text});
}

void RxPump::report(Key& key, Peer& peer, bool inner, TimePoint now, Output& out) {
  PumpEvent event{.peer = key.slot->peer,
                  .session = key.slot->local_index,
                  .path = batch_path_,
                  .bytes = {},
                  .inner_data = inner};
  if (key.slot->report_first_data && !key.first_data_reported) {
    key.first_data_reported = true;
    event.kind = PumpEvent::Kind::first_data;
    out.events.push_back(event);
  } else if (peer.path && !peer.path->same_remote(batch_path_) &&
             (!peer.told_new_endpoint || now - peer.last_new_endpoint >= kNewEndpointInterval)) {
    peer.told_new_endpoint = true;
    peer.last_new_endpoint = now;
    event.kind = PumpEvent::Kind::new_endpoint;
    out.events.push_back(event);
  }
  bool& heard = inner ? peer.heard_inner : peer.heard;
  TimePoint& last = inner ? peer.last_inner_activity : peer.last_activity;
  if (heard && now - last < kActivityInterval) return;
  heard = true;
  last = now;
  event.kind = PumpEvent::Kind::received;
  out.events.push_back(event);
}

void RxPump::deliver(Peer& peer, MutableBytes text, Output& out) {
  const auto header = wire::parse_ip(text);
  if (!header || text.size() - header->total_size > wire::kMaxPadding)
    return drops_.count(Drop::bad_packet);
  if (!peer.sources || !peer.sources->contains(header->source))
    return drops_.count(Drop::spoofed_source);
  if (!own_->contains(header->destination)) return drops_.count(Drop::foreign_destination);
  ++peer.traffic.packets;
  peer.traffic.bytes += header->total_size;
  out.frames.push_back({.packet = text.first(header->total_size)});
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
    void operator()(const SetSources& c) { pump.peers_[c.peer].sources = c.addresses; }
    void operator()(const SetRoutes&) {}
    void operator()(const SetOwnAddresses& c) { pump.own_ = c.addresses; }
    void operator()(const DropPeer& c) { pump.peers_.erase(c.peer); }
  };
  std::visit(Visitor{*this}, change);
}

}  // namespace meshnode::dataplane
