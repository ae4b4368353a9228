// Who a node is: the hash of its signing key (protocol.md "Identity").
#pragma once

#include "base/ids.h"
#include "crypto/suite.h"

namespace meshnode::crypto {

NodeId node_id(const Ed25519Public& key);

}  // namespace meshnode::crypto
