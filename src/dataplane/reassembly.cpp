#include "dataplane/reassembly.h"

#include "base/result.h"

namespace meshnode::dataplane {

std::optional<Reassembly::Whole> Reassembly::add(TimePoint now, SessionIndex session, ByteView text,
                                                 DropCounters& drops, bool congested) {
  last_used_ = now;
  expire(now, drops);
  const auto piece = wire::parse_piece(text);
  if (!piece) {
    drops.count(Drop::bad_piece);
    return std::nullopt;
  }
  Packet* packet = find(session, *piece);
  if (packet == nullptr) packet = begin(now, session, *piece, drops);
  if (!take(*packet, *piece)) {
    drops.count(Drop::bad_piece);
    return std::nullopt;
  }
  packet->congested = packet->congested || congested;
  if (packet->missing > 0) return std::nullopt;
  const Whole whole{packet->kind,
                    MutableBytes(memory_).subspan(packet->place * wire::kPieceUnit, packet->total),
                    packet->congested};
  trim();
  return whole;
}

// Nearly always the newest one.
Reassembly::Packet* Reassembly::find(SessionIndex session, const wire::Piece& piece) {
  for (std::size_t i = count_; i-- > 0;)
    if (at(i).id == piece.packet && at(i).session == session) return &at(i);
  return nullptr;
}

Reassembly::Packet* Reassembly::begin(TimePoint now, SessionIndex session, const wire::Piece& piece,
                                      DropCounters& drops) {
  Packet packet{.session = session,
                .id = piece.packet,
                .total = piece.total,
                .kind = piece.kind,
                .place = 0,
                .missing = 0,
                .began = now};
  packet.missing = packet.units();
  if (count_ == kMaxPackets) give_up_oldest(drops);
  packet.place = make_room(packet.missing, drops);
  for (std::size_t i = 0; i < packet.missing; ++i) present_.reset(packet.place + i);
  at(count_) = packet;
  return &at(count_++);
}

// Where so many units in a row are free; the oldest packets go until there are. The packets stand
// behind each other from the oldest to the newest, at most once around the end of the memory.
std::size_t Reassembly::make_room(std::size_t units, DropCounters& drops) {
  MESH_ASSERT(units <= kUnits);
  for (; count_ > 0; give_up_oldest(drops)) {
    const std::size_t begin = at(0).place;
    const std::size_t end = at(count_ - 1).place + at(count_ - 1).units();
    const bool around = end <= begin;
    if (around ? begin - end >= units : kUnits - end >= units) return end;
    if (!around && begin >= units) return 0;
  }
  return 0;
}

void Reassembly::expire(TimePoint now, DropCounters& drops) {
  while (count_ > 0 && now - at(0).began > kLife) give_up_oldest(drops);
}

void Reassembly::give_up_oldest(DropCounters& drops) {
  if (at(0).missing > 0) drops.count(Drop::unassembled);
  first_ = (first_ + 1) % kMaxPackets;
  --count_;
}

// Done packets between unfinished ones stay in the ring until those are gone.
void Reassembly::trim() {
  while (count_ > 0 && at(count_ - 1).missing == 0) --count_;
  while (count_ > 0 && at(0).missing == 0) {
    first_ = (first_ + 1) % kMaxPackets;
    --count_;
  }
}

// False if the piece contradicts what has come.
bool Reassembly::take(Packet& packet, const wire::Piece& piece) {
  if (packet.total != piece.total || packet.kind != piece.kind) return false;
  const std::size_t from = packet.place + piece.offset / wire::kPieceUnit;
  const std::size_t units = (piece.data.size() + wire::kPieceUnit - 1) / wire::kPieceUnit;
  for (std::size_t i = 0; i < units; ++i)
    if (present_.test(from + i)) return false;
  for (std::size_t i = 0; i < units; ++i) present_.set(from + i);
  std::copy(piece.data.begin(), piece.data.end(),
            memory_.begin() + static_cast<std::ptrdiff_t>(from * wire::kPieceUnit));
  packet.missing -= units;
  return true;
}

void Reassembly::clear(DropCounters& drops) {
  while (count_ > 0) give_up_oldest(drops);
}

std::size_t Reassembly::held() const {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < count_; ++i)
    if (at(i).missing > 0) sum += at(i).total;
  return sum;
}

Reassembly& Reassemblies::of(PeerNumber peer, DropCounters& drops) {
  const auto found = peers_.find(peer);
  if (found != peers_.end()) return *found->second;
  if (peers_.size() < kMaxPeers)
    // Not even its memory is touched before it is needed.
    return *peers_.emplace(peer, std::make_unique_for_overwrite<Reassembly>()).first->second;
  auto quiet = peers_.begin();
  for (auto it = peers_.begin(); it != peers_.end(); ++it)
    if (it->second->last_used() < quiet->second->last_used()) quiet = it;
  auto node = peers_.extract(quiet);
  node.key() = peer;
  node.mapped()->clear(drops);
  return *peers_.insert(std::move(node)).position->second;
}

std::optional<Reassembly::Whole> Reassemblies::add(TimePoint now, PeerNumber peer,
                                                   SessionIndex session, ByteView text,
                                                   DropCounters& drops, bool congested) {
  return of(peer, drops).add(now, session, text, drops, congested);
}

}  // namespace meshnode::dataplane
