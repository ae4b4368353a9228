// Keys of the probes between two members: only these two can make or check them, before any
// session exists (protocol.md "Probes").
#pragma once

#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/ids.h"
#include "crypto/suite.h"
#include "wire/probe.h"

namespace meshnode::discovery {

// Tags change with the epoch (6 h of UTC), so that an observer cannot follow a pair for long.
using TagEpoch = std::int64_t;
TagEpoch tag_epoch(UnixTime time);

class ProbeKeys {
 public:
  // Nothing if the peer's static key is of low order.
  static std::optional<ProbeKeys> derive(const crypto::Suite& suite,
                                         const crypto::X25519Secret& own_secret,
                                         const crypto::X25519Public& own_public,
                                         const crypto::X25519Public& peer, const Secret32& psk);

  // The tag that the peer writes, and the one that we write, in an epoch.
  wire::ProbeTag receive_tag(TagEpoch epoch) const { return tag(receive_key_, epoch); }
  wire::ProbeTag send_tag(TagEpoch epoch) const { return tag(send_key_, epoch); }

  // A complete datagram; tag and mac are filled in. An answer needs the nonce of its request.
  Bytes seal(wire::Probe probe, TagEpoch epoch) const;
  // The peer made it. An answer needs the nonce that we sent with that number: then the peer has
  // received the request.
  [[nodiscard]] bool mac_fits(const wire::Probe& probe) const;

 private:
  static wire::ProbeTag tag(const Secret32& key, TagEpoch epoch);
  Secret32 send_key_;
  Secret32 receive_key_;
};

// The nonces of our probe requests: by number, so that none needs to be remembered, and only who
// receives a request knows its nonce. `secret` is another one in each start.
class ProbeNonces {
 public:
  explicit ProbeNonces(Secret32 secret) : secret_(std::move(secret)) {}
  wire::ProbeNonce of(std::uint64_t number) const;

 private:
  Secret32 secret_;
};

}  // namespace meshnode::discovery
