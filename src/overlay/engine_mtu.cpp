// Engine: how large datagrams may be — probes of the path's MTU, and what is told inside.
#include "dataplane/tx_pump.h"
#include "overlay/engine.h"
#include "wire/control.h"
#include "wire/ip.h"

namespace meshnode::overlay {
namespace {

using dataplane::TxPump;
static_assert(discovery::PathMtu::kFloorV4 == TxPump::kLeastDatagram);

}  // namespace

void Engine::search_mtu(TimePoint now, Peer& peer) {
  discovery::PathMtu* mtu = peer.mtu.current();
  if (mtu == nullptr || !peer.has_session()) return;
  const Duration rtt = peer.paths.best_rtt().value_or(Duration{});
  for (const auto& probe : mtu->due(now, rtt, peer.mtu.number()))
    emit(SendControl{peer.number, wire::encode_mtu_probe(probe.number, probe.size), true});
  publish_limit(peer);
}

void Engine::publish_limit(Peer& peer) {
  const discovery::PathMtu* mtu = peer.mtu.current();
  if (mtu == nullptr) return;
  const dataplane::SetLimit limit{.peer = peer.number,
                                  .datagram = mtu->limit(),
                                  .message = mtu->message_limit(),
                                  .settled = mtu->settled()};
  if (peer.published_limit == limit) return;
  peer.published_limit = limit;
  emit(dataplane::SlotChange{limit});
}

// Much smaller than what it answers.
void Engine::handle_mtu_probe(const Peer& peer, ByteView body) {
  const auto number = wire::parse_mtu_number(body);
  if (!number) return count(Drop::malformed);
  emit(SendControl{peer.number, wire::encode_mtu_answer(*number)});
}

void Engine::handle_mtu_answer(TimePoint now, Peer& peer, ByteView body) {
  const auto number = wire::parse_mtu_number(body);
  if (!number) return count(Drop::malformed);
  if ((*number & Questions::kMark) != 0) return handle_pong(now, peer, *number);
  discovery::PathMtu* mtu = peer.mtu.current();
  if (mtu == nullptr || !mtu->answered(now, *number)) count(Drop::unsolicited);
}

void Engine::handle_too_big(Now now, const Path& path, std::size_t size) {
  note_time(now);
  std::vector<PeerNumber> concerned;
  for (const auto& [number, peer] : std::as_const(roster_).all())
    if (peer.published_path && peer.published_path->same_remote(path)) concerned.push_back(number);
  for (const PeerNumber number : concerned) {
    Peer& peer = *roster_.by_number(number);
    peer.mtu.refused(now.mono, path, size);
    service(now, peer);
  }
  finish(now);
}

// In the name of the packet's destination: a kernel drops what seems to come from its own address.
void Engine::tell_too_big(TimePoint now, Peer& peer, ByteView packet, std::size_t fits) {
  // It was not sent, but it shows what is wanted of the path.
  if (auto* mtu = peer.mtu.current())
    mtu->used(now, wire::padded_size(packet.size(), config_.mtu) + wire::kFrameOverhead);
  const auto header = wire::parse_ip(packet);
  if (!header) return;
  const std::size_t mtu =
      std::max(fits, header->source.is_v6() ? TxPump::kLeastPacketV6 : TxPump::kLeastPacketV4);
  auto answer = too_big(packet, header->destination, mtu);
  if (answer && too_big_bucket_.take(now)) emit(DeliverPacket{std::move(*answer)});
}

}  // namespace meshnode::overlay
