#include "node/story.h"

#include "node/status.h"
#include "node/terminal.h"

namespace meshnode::node {
namespace {

using io::as;
using io::plain;

io::LogPiece peer(const std::string& name, const NodeId& id) {
  return as("peer", plain(shown_name(name, id)));
}

}  // namespace

io::LogLine deriving_key() {
  return {
      "deriving the network's key from the text of --seed (Argon2id, 64 MiB): slow here, but only "
      "this once"};
}

void warn_of(const std::vector<std::string>& notices) {
  for (const std::string& notice : notices)
    io::log(LogModule::node, LogLevel::warn, {plain(notice)});
}

std::optional<Told> told(const overlay::Event& event, const std::string& state_dir) {
  if (const auto* up = std::get_if<overlay::PeerConnected>(&event))
    return Told{LogLevel::info, connected(shown_name(up->name, up->id), up->took, up->rtt)};
  if (const auto* lost = std::get_if<overlay::PeerLost>(&event))
    return Told{LogLevel::info,
                {peer(lost->name, lost->id),
                 plain(lost->goodbye ? " said goodbye" : " does not answer any more")}};
  if (const auto* conflict = std::get_if<overlay::AddressConflict>(&event))
    return Told{LogLevel::warn,
                {peer(conflict->name, conflict->id), " claims ", as("address", conflict->address),
                 ", which somebody else holds: it gets no route"}};
  if (std::holds_alternative<overlay::TwinIdentity>(event))
    return Told{LogLevel::warn,
                {"another machine uses this node's identity: was its state copied? Remove ",
                 plain(state_dir), "/identity on one of the two"}};
  return std::nullopt;
}

}  // namespace meshnode::node
