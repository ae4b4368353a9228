// A record whose signature holds, or one that we sign: immutable, shared by everybody who needs it.
#pragma once

#include <memory>

#include "crypto/suite.h"
#include "wire/record.h"

namespace meshnode::discovery {

struct SignedRecord : std::enable_shared_from_this<SignedRecord> {
  NodeId id;  // follows from the signing key
  wire::Record record;
  Bytes bytes;  // text and signature, as received: handed on so
};
using RecordPtr = std::shared_ptr<const SignedRecord>;

// The signature covers "meshnode record v1" ‖ network id (32) ‖ text.
RecordPtr sign_record(const wire::Record& record, const crypto::Ed25519Seed& seed,
                      ByteView network_id, const crypto::Suite& suite);
// Null unless it parses and the signature holds. It proves who wrote it, not that the static key is
// the writer's: the handshake does that.
RecordPtr open_record(ByteView bytes, ByteView network_id, const crypto::Suite& suite);
// The same for one who keeps it in a way of his own.
std::unique_ptr<SignedRecord> open_record_alone(ByteView bytes, ByteView network_id,
                                                const crypto::Suite& suite);

}  // namespace meshnode::discovery
