#include "fuzz/members.h"

#include "fuzz/fuzz.h"
#include "support/networks.h"

namespace meshnode::fuzz {

overlay::NetworkSecret network() {
  return test::default_network();
}

overlay::HandshakeSelf member(std::uint8_t number, const overlay::NetworkSecret& network) {
  const crypto::Suite& suite = crypto::real_suite();
  Block<32> seed;
  seed.fill(number);
  overlay::HandshakeSelf out{
      .suite = suite,
      .identity = overlay::Identity::from_seed(crypto::Ed25519Seed(seed), suite),
      .keys = overlay::NetworkKeys::derive(network),
      .ciphers = {crypto::Cipher::aes_256_gcm},
      .name = "member" + std::to_string(number),
      .claims = {}};
  out.boot.fill(number);
  out.binding = overlay::bind_static_key(out.identity, out.keys.id, suite);
  return out;
}

wire::HandshakePayload honest_payload(const overlay::HandshakeSelf& from, SessionIndex index,
                                      std::uint64_t number) {
  wire::HandshakePayload out;
  out.signing_key = from.identity.signing_key;
  out.binding = from.binding;
  out.boot = from.boot;
  out.number = number;
  out.index = index;
  out.ciphers = {1, 2};
  out.name = from.name;
  return out;
}

Bytes init_with_payload(const overlay::HandshakeSelf& from, const overlay::HandshakeSelf& to,
                        SessionIndex index, std::uint8_t nonce, ByteView payload) {
  Bytes message = wire::init_header(index);
  crypto::NoiseConfig config;
  config.initiator = true;
  config.prologue = to_bytes(as_bytes("meshnode handshake v1")) + from.keys.id;
  config.prologue = std::move(config.prologue) + message;
  config.local_static = from.identity.static_secret;
  config.remote_static = to.identity.static_key;
  config.psk = from.keys.psk;
  Block<32> ephemeral;
  ephemeral.fill(static_cast<std::uint8_t>(nonce + 1));
  config.ephemeral = Secret32(ephemeral);
  crypto::Noise noise(std::move(config), from.suite);
  message = std::move(message) + *noise.write_message(payload);
  const Secret32 gate = overlay::gate_key(from.keys, to.identity.static_key, to.boot);
  const wire::Mac mac1 = overlay::gate_mac(gate, message);
  message = std::move(message) + mac1;
  message.resize(message.size() + wire::kMacSize);
  return message;
}

}  // namespace meshnode::fuzz
