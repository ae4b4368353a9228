// Members that sign records, for tests without whole nodes.
#pragma once

#include "crypto/node_id.h"
#include "crypto/suite.h"
#include "discovery/signed_record.h"

namespace meshnode::test {

inline const Bytes kNetworkId(32, 0x4e);

struct Member {
  explicit Member(std::uint64_t number) {
    store_le(seed.data(), number + 1);
    key = crypto::real_suite().ed25519_public(seed);
    id = crypto::node_id(key);
    store_le(static_key.data(), number + 1);
    static_key[31] = 1;
  }
  wire::Record record(std::uint64_t sequence) const {
    wire::Record out;
    out.signing_key = key;
    out.static_key = static_key;
    out.sequence = sequence;
    out.boot = {1};
    out.issued = 1'760'000'000;
    return out;
  }
  discovery::RecordPtr sign(std::uint64_t sequence) const { return sign(record(sequence)); }
  discovery::RecordPtr sign(const wire::Record& record) const {
    return discovery::sign_record(record, seed, kNetworkId, crypto::real_suite());
  }

  crypto::Ed25519Seed seed;
  crypto::Ed25519Public key{};
  crypto::X25519Public static_key{};
  NodeId id;
};

}  // namespace meshnode::test
