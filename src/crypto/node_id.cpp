#include "crypto/node_id.h"

#include "crypto/hash.h"

namespace meshnode::crypto {

NodeId node_id(const Ed25519Public& key) {
  return NodeId{sha256({as_bytes("meshnode node"), key})};
}

}  // namespace meshnode::crypto
