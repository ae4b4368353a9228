// Engine: what peers say inside sessions.
#include "overlay/engine.h"
#include "wire/control.h"

namespace meshnode::overlay {

void Engine::handle_control(Now now, const dataplane::PumpEvent& event) {
  const auto control = wire::parse_control(event.bytes);
  if (!control) return count(Drop::malformed);
  Peer* peer = roster_.by_number(event.peer);
  if (peer == nullptr) return;
  handle_control(now, *peer, *control);
  service(now, *peer);
}

void Engine::handle_control(Now now, Peer& peer, const wire::Control& control) {
  switch (control.type) {
    case wire::ControlType::keepalive:
      return;
    case wire::ControlType::goodbye:
      return goodbye_from(now.mono, peer);
    case wire::ControlType::record:
      return take_record(now, control.body, peer.number);
    case wire::ControlType::digest:
      return gossip_.handle_digest(now.mono, peer.number, control.body, drops_);
    case wire::ControlType::want:
      return gossip_.handle_want(now.mono, peer.number, control.body, drops_);
    case wire::ControlType::introduction:
      return handle_introduction(now, peer, control.body);
    case wire::ControlType::summary:
      return gossip_.handle_summary(now.mono, peer.number, control.body, drops_);
    case wire::ControlType::object:
      return take_object(now, control.body, peer.number);
    case wire::ControlType::mtu_probe:
      return handle_mtu_probe(peer, control.body);
    case wire::ControlType::mtu_answer:
      return handle_mtu_answer(now.mono, peer, control.body);
    case wire::ControlType::trace_ask:
      return handle_trace_ask(now.mono, peer, control.body);
    case wire::ControlType::trace_answer:
      return handle_trace_answer(now.mono, peer, control.body);
    case wire::ControlType::edges_ask:
      return handle_edges_ask(now.mono, peer, control.body);
    case wire::ControlType::edges_answer:
      return handle_edges_answer(now.mono, peer, control.body);
  }
}

void Engine::goodbye_from(TimePoint now, Peer& peer) {
  peer.said_goodbye = true;
  drop_attempt(peer);
  peer.wants_edge = true;  // when it is seen again
  for (const Session& session : peer.sessions) drop_key(session.local_index);
  peer.sessions.clear();
  peer.paths.forget_all(now);
  if (peer.last_path) peer.paths.expect(now, kind_of(*peer.last_path), *peer.last_path);
  peer.next_lookup.reset();
  publish_path(now, peer);
}

}  // namespace meshnode::overlay
