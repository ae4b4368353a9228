// Whom a person means.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "base/ids.h"
#include "base/result.h"

namespace meshnode::control {

struct NamedPeer {
  NodeId id;
  std::string name;  // as the peer says it: untrusted bytes, may be empty, need not be unique
  std::vector<IpAddress> addresses;  // inside the tunnel
};

// The index of the one that is meant: by an address, else by its whole name, else by the beginning
// of its id. Kind `usage` with a sentence that lists candidates where none fits, or several do.
Result<std::size_t> find_peer(std::string_view text, const std::vector<NamedPeer>& peers);

}  // namespace meshnode::control
