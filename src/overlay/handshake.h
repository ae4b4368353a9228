// One handshake, Noise_IKpsk2_25519_AESGCM_SHA256, as pure building and checking of messages
// (protocol.md "Handshake"). Timers, retransmission, glare and admission live elsewhere.
//
// Failure contract: a message that does not fit changes nothing; the machine still waits for the
// real one. Both functions that read say why they refused as a Drop.
#pragma once

#include <optional>
#include <variant>

#include "base/drop.h"
#include "base/endpoint.h"
#include "crypto/aead.h"
#include "crypto/noise.h"
#include "overlay/identity.h"
#include "overlay/network.h"
#include "wire/handshake.h"
#include "wire/handshake_payload.h"

namespace meshnode::overlay {

// What does not change from handshake to handshake. Referred to, not owned, by the machines below:
// lives as long as the engine.
struct HandshakeSelf {
  const crypto::Suite& suite;
  Identity identity;
  NetworkKeys keys;
  crypto::Signature binding{};  // made once: it says the same each time
  BootId boot{};
  std::vector<crypto::Cipher> ciphers;  // most wanted first
  std::string name;
  std::vector<IpAddress> claims;
};

// What is fresh in each.
struct HandshakeFresh {
  SessionIndex index = 0;
  std::uint64_t number = 0;
  Endpoint observed{};  // where the peer's datagrams come from, as seen here
  std::optional<Block<16>> challenge_answer{};
};

struct SessionKeys {
  crypto::Cipher cipher = crypto::Cipher::aes_256_gcm;
  Secret32 send;
  Secret32 receive;
};

// What a finished handshake proves about the other side.
struct ProvenPeer {
  NodeId id;
  crypto::X25519Public static_key{};
  wire::HandshakePayload payload;
};

struct Established {
  ProvenPeer peer;
  SessionKeys keys;
  SessionIndex local_index = 0;
  SessionIndex remote_index = 0;
};

// The key of the gate in front of handshakes: strangers cannot compute it, and a message to an
// earlier start of the receiver does not pass it.
Secret32 gate_key(const NetworkKeys& keys, const crypto::X25519Public& receiver,
                  const BootId& receiver_boot);
wire::Mac gate_mac(const Secret32& key, ByteView message);

class Initiator {
 public:
  // Nothing if the peer's static key is of low order.
  static std::optional<Initiator> begin(const HandshakeSelf& self, const HandshakeFresh& fresh,
                                        const crypto::X25519Secret& ephemeral,
                                        const crypto::X25519Public& peer, const BootId& peer_boot);
  // The complete first message; byte-identical each time until set_cookie().
  const Bytes& message() const { return message_; }
  SessionIndex index() const { return index_; }
  void set_cookie(const Block<16>& cookie);
  // A challenge or cookie is for this very message if its mac says so.
  [[nodiscard]] bool is_for_us(const wire::Challenge& challenge) const;
  // After a refusal, spent() tells whether the message was authentic and the attempt is over
  // (true), or came from somebody else and the real one may still arrive (false).
  std::variant<Established, Drop> finish(const wire::HandshakeResponse& response);
  bool spent() const { return noise_->finished(); }

 private:
  explicit Initiator(const HandshakeSelf& self) : self_(&self) {}
  const HandshakeSelf* self_;
  std::optional<crypto::Noise> noise_;
  crypto::X25519Public peer_{};
  SessionIndex index_ = 0;
  Bytes message_;
};

// A first message that authenticates. Nothing has been changed or answered yet.
struct OpenedInit {
  crypto::Noise noise;
  ProvenPeer peer;  // signature and binding hold, the id follows from the key
  SessionIndex remote_index = 0;
  wire::Mac mac1{};
};
// Costs two key agreements and one signature check: behind the gate only. `ephemeral` is for the
// answer.
std::variant<OpenedInit, Drop> open_init(const HandshakeSelf& self, const wire::HandshakeInit& init,
                                         const crypto::X25519Secret& ephemeral);

struct Response {
  Bytes message;
  Established established;
};
// ChaCha20-Poly1305 if a side wants it most, since that one has no AES instructions; otherwise what
// the initiator wants most. Nothing if none is common. The lists are most wanted first.
std::optional<crypto::Cipher> choose_cipher(const std::vector<std::uint16_t>& offered,
                                            const std::vector<crypto::Cipher>& own);
// Nothing if no cipher is common or the peer's ephemeral key is of low order.
std::variant<Response, Drop> respond(const HandshakeSelf& self, OpenedInit&& init,
                                     const HandshakeFresh& fresh);

// A cookie or freshness challenge for the first message with this mac1 and sender index.
Bytes make_challenge(const NetworkKeys& keys, wire::Challenge::Kind kind, SessionIndex receiver,
                     const Block<16>& value, const wire::Mac& mac1);

}  // namespace meshnode::overlay
