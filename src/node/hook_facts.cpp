#include "node/hook_facts.h"

#include "overlay/network.h"

namespace meshnode::node {
namespace {

using monitor::HookEvent;
using monitor::HookFacts;

HookFacts facts_about(HookEvent event, const NodeId& peer, const std::string& name,
                      const HookSubject& subject) {
  HookFacts out = interface_facts(event, subject);
  out.fields.emplace_back("PEER_ID", peer.to_string());
  out.fields.emplace_back("PEER_NAME", name);
  out.fields.emplace_back("PEER_ADDRESS",
                          overlay::overlay_address(subject.network.id(), peer).to_string());
  return out;
}

}  // namespace

HookFacts interface_facts(HookEvent event, const HookSubject& subject) {
  return {event,
          {{"INTERFACE", subject.config.interface},
           {"ADDRESS", subject.address.to_string()},
           {"MTU", std::to_string(subject.config.mtu)}}};
}

std::optional<HookFacts> peer_facts(const overlay::Event& event, const HookSubject& subject) {
  if (const auto* up = std::get_if<overlay::PeerConnected>(&event))
    return facts_about(HookEvent::peer_up, up->id, up->name, subject);
  if (const auto* down = std::get_if<overlay::PeerLost>(&event))
    return facts_about(HookEvent::peer_down, down->id, down->name, subject);
  return std::nullopt;
}

}  // namespace meshnode::node
