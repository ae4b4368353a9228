// Names come from people, from the machine and from other members. What one end may choose, the
// other end has to take.
#include "control/printable.h"
#include "fuzz/fuzz.h"
#include "node/config.h"
#include "node/config_check.h"
#include "tun/device.h"
#include "wire/handshake_payload.h"

namespace meshnode::fuzz {
namespace {

void node_name(const std::string& text) {
  // What the configuration lets through must not make every peer refuse the handshake.
  if (node::check_name(text)) MESH_ASSERT(wire::is_valid_name(text));
  const std::string standard = node::default_name(text);
  MESH_ASSERT(node::check_name(standard).ok() && wire::is_valid_name(standard));
}

void shown(const std::string& text) {
  const std::string safe = control::printable(text);
  MESH_ASSERT(control::is_printable(safe) && control::printable(safe) == safe);
  MESH_ASSERT(!control::is_printable(text) || safe == text);
  MESH_ASSERT(control::width(safe) <= safe.size());
  // A name from the wire is whole UTF-8 without controls, whoever shows it.
  if (!wire::is_valid_name(text)) return;
  MESH_ASSERT(text.size() <= wire::kMaxName);
  for (const char c : text) MESH_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

}  // namespace

void one_input(ByteView input) {
  const std::string text(as_text(input));
  node_name(text);
  shown(text);
  if (node::check_interface(text)) MESH_ASSERT(tun::check_interface_name(text).ok());
  if (const auto claim = node::parse_claim(text)) {
    MESH_ASSERT(claim.value().ip.is_v4() && claim.value().prefix >= 8);
    MESH_ASSERT(!claim.value().ip.is_multicast() && !claim.value().ip.is_loopback());
  }
  if (const auto number = node::parse_number(text, 5, 70000))
    MESH_ASSERT(*number >= 5 && *number <= 70000);
  if (const auto host = node::parse_host_port(text))
    MESH_ASSERT(HostPort::parse(host->to_string()) == *host);
  (void)node::parse_key(text);
  (void)LogLevels().with(text);
  (void)node::weak_seed(text);
}

}  // namespace meshnode::fuzz
