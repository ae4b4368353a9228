#include "overlay/handshake.h"

#include <algorithm>

#include "base/result.h"
#include "crypto/hash.h"

namespace meshnode::overlay {
namespace {

constexpr std::string_view kPrologueLabel = "meshnode handshake v1";

wire::Mac truncate(const crypto::Hash& hash) {
  wire::Mac out;
  std::copy_n(hash.begin(), out.size(), out.begin());
  return out;
}

Bytes prologue(const NetworkId& network, ByteView header) {
  Bytes out;
  Writer writer(out);
  writer.bytes(as_bytes(kPrologueLabel));
  writer.bytes(network);
  writer.bytes(header);
  return out;
}

wire::HandshakePayload own_payload(const HandshakeSelf& self, const HandshakeFresh& fresh) {
  wire::HandshakePayload out;
  out.signing_key = self.identity.signing_key;
  out.binding = self.binding;
  out.boot = self.boot;
  out.number = fresh.number;
  out.index = fresh.index;
  out.observed = fresh.observed;
  out.name = self.name;
  out.claims = self.claims;
  out.challenge_answer = fresh.challenge_answer;
  return out;
}

// The cipher is bound into the keys: who changes the choice gets two sides that do not understand
// each other, never a weaker cipher.
SessionKeys session_keys(const crypto::Noise& noise, crypto::Cipher cipher, bool initiator) {
  const crypto::Noise::Keys split = noise.split();
  Bytes info = to_bytes(as_bytes("meshnode data"));
  Writer(info).u16(static_cast<std::uint16_t>(cipher));
  const auto key = [&](const Secret32& from) {
    return crypto::derive_key(noise.handshake_hash(), from.view(), as_text(info));
  };
  SessionKeys out;
  out.cipher = cipher;
  out.send = key(initiator ? split.initiator_to_responder : split.responder_to_initiator);
  out.receive = key(initiator ? split.responder_to_initiator : split.initiator_to_responder);
  return out;
}

std::optional<ProvenPeer> prove(const HandshakeSelf& self, const crypto::X25519Public& static_key,
                                wire::HandshakePayload payload) {
  if (!binding_holds(payload.signing_key, static_key, payload.binding, self.keys.id, self.suite))
    return std::nullopt;
  ProvenPeer out;
  out.id = node_id(payload.signing_key);
  out.static_key = static_key;
  out.payload = std::move(payload);
  return out;
}

crypto::NoiseConfig noise_config(const HandshakeSelf& self, const crypto::X25519Secret& ephemeral,
                                 bool initiator, ByteView header) {
  crypto::NoiseConfig config;
  config.pattern = crypto::NoisePattern::IKpsk2;
  config.cipher = crypto::Cipher::aes_256_gcm;
  config.initiator = initiator;
  config.prologue = prologue(self.keys.id, header);
  config.local_static = self.identity.static_secret;
  config.psk = self.keys.psk;
  config.ephemeral = ephemeral;
  return config;
}

// Any member could make one; it costs the receiver one more first message at most. Keyed by the
// network alone, since a cookie is asked for before the arithmetic tells who the sender is.
wire::Mac challenge_mac(const NetworkKeys& keys, ByteView body, const wire::Mac& mac1) {
  const Secret32 key = crypto::derive_key({}, keys.mac.view(), "meshnode challenge");
  return truncate(crypto::hmac_sha256(key.view(), {body, mac1}));
}

}  // namespace

std::optional<crypto::Cipher> choose_cipher(const std::vector<std::uint16_t>& offered,
                                            const std::vector<crypto::Cipher>& own) {
  const auto is_own = [&](std::uint16_t number) {
    return std::find(own.begin(), own.end(), static_cast<crypto::Cipher>(number)) != own.end();
  };
  const auto theirs = std::find_if(offered.begin(), offered.end(), is_own);
  if (theirs == offered.end()) return std::nullopt;
  const auto ours = std::find_if(own.begin(), own.end(), [&](crypto::Cipher cipher) {
    return std::find(offered.begin(), offered.end(), static_cast<std::uint16_t>(cipher)) !=
           offered.end();
  });
  // Whoever wants ChaCha20 most has no instructions for AES, which weighs more than instructions
  // that the other one does not get to use.
  return *ours == crypto::Cipher::chacha20_poly1305 ? *ours : static_cast<crypto::Cipher>(*theirs);
}

Secret32 gate_key(const NetworkKeys& keys, const crypto::X25519Public& receiver,
                  const BootId& receiver_boot) {
  Bytes salt = to_bytes(receiver);
  Writer(salt).bytes(receiver_boot);
  return crypto::derive_key(salt, keys.mac.view(), "meshnode mac1");
}

wire::Mac gate_mac(const Secret32& key, ByteView message) {
  return truncate(crypto::hmac_sha256(key.view(), {message}));
}

std::optional<Initiator> Initiator::begin(const HandshakeSelf& self, const HandshakeFresh& fresh,
                                          const crypto::X25519Secret& ephemeral,
                                          const crypto::X25519Public& peer,
                                          const BootId& peer_boot) {
  Initiator out(self);
  out.peer_ = peer;
  out.index_ = fresh.index;
  out.message_ = wire::init_header(fresh.index);
  auto config = noise_config(self, ephemeral, true, out.message_);
  config.remote_static = peer;
  out.noise_.emplace(std::move(config), self.suite);

  auto payload = own_payload(self, fresh);
  for (const crypto::Cipher cipher : self.ciphers)
    payload.ciphers.push_back(static_cast<std::uint16_t>(cipher));
  const auto noise_message = out.noise_->write_message(wire::encode_payload(payload));
  if (!noise_message) return std::nullopt;
  Writer writer(out.message_);
  writer.bytes(*noise_message);
  writer.bytes(gate_mac(gate_key(self.keys, peer, peer_boot), out.message_));
  writer.zeros(wire::kMacSize);
  MESH_ASSERT(out.message_.size() <= wire::kMaxHandshakeSize);
  return out;
}

void Initiator::set_cookie(const Block<16>& cookie) {
  const std::size_t covered = message_.size() - wire::kMacSize;
  const auto mac2 = truncate(crypto::hmac_sha256(cookie, {ByteView(message_).first(covered)}));
  std::copy(mac2.begin(), mac2.end(), message_.begin() + static_cast<std::ptrdiff_t>(covered));
}

bool Initiator::is_for_us(const wire::Challenge& challenge) const {
  if (challenge.receiver != index_) return false;
  const auto init = wire::parse_init(message_);
  return equal_constant_time(
      challenge.mac, challenge_mac(self_->keys, wire::challenge_body(challenge), init->mac1));
}

std::variant<Established, Drop> Initiator::finish(const wire::HandshakeResponse& response) {
  const Secret32 gate = gate_key(self_->keys, self_->identity.static_key, self_->boot);
  if (!equal_constant_time(response.mac1, gate_mac(gate, response.before_mac1)))
    return Drop::bad_mac;
  const auto text = noise_->read_message(response.noise);
  if (!text) return Drop::auth_failed;
  // From here on the message is the peer's own: what does not fit is its fault, and final.
  auto payload = wire::parse_payload(*text, wire::PayloadOf::response);
  if (!payload) return Drop::malformed;
  const auto cipher = static_cast<crypto::Cipher>(payload->ciphers.front());
  if (std::find(self_->ciphers.begin(), self_->ciphers.end(), cipher) == self_->ciphers.end())
    return Drop::unsupported;
  auto peer = prove(*self_, peer_, std::move(*payload));
  if (!peer) return Drop::bad_identity;
  // The clear sender index is only a hint, since any member could have changed it: the sealed one
  // counts.
  const SessionIndex remote_index = peer->payload.index;
  return Established{std::move(*peer), session_keys(*noise_, cipher, true), index_, remote_index};
}

std::variant<OpenedInit, Drop> open_init(const HandshakeSelf& self, const wire::HandshakeInit& init,
                                         const crypto::X25519Secret& ephemeral) {
  crypto::Noise noise(noise_config(self, ephemeral, false, init.header), self.suite);
  const auto text = noise.read_message(init.noise);
  if (!text) return Drop::auth_failed;
  auto payload = wire::parse_payload(*text, wire::PayloadOf::init);
  if (!payload || payload->index != init.sender) return Drop::malformed;
  if (*noise.remote_static() == self.identity.static_key) return Drop::self;
  auto peer = prove(self, *noise.remote_static(), std::move(*payload));
  if (!peer) return Drop::bad_identity;
  return OpenedInit{std::move(noise), std::move(*peer), init.sender, init.mac1};
}

std::variant<Response, Drop> respond(const HandshakeSelf& self, OpenedInit&& init,
                                     const HandshakeFresh& fresh) {
  const auto cipher = choose_cipher(init.peer.payload.ciphers, self.ciphers);
  if (!cipher) return Drop::unsupported;

  auto payload = own_payload(self, fresh);
  payload.ciphers = {static_cast<std::uint16_t>(*cipher)};
  const auto noise_message = init.noise.write_message(wire::encode_payload(payload));
  if (!noise_message) return Drop::auth_failed;

  Bytes message = wire::response_header(fresh.index, init.remote_index);
  Writer writer(message);
  writer.bytes(*noise_message);
  const auto gate = gate_key(self.keys, init.peer.static_key, init.peer.payload.boot);
  writer.bytes(gate_mac(gate, message));
  MESH_ASSERT(message.size() <= wire::kMaxHandshakeSize);

  Established established{std::move(init.peer), session_keys(init.noise, *cipher, false),
                          fresh.index, init.remote_index};
  return Response{std::move(message), std::move(established)};
}

Bytes make_challenge(const NetworkKeys& keys, wire::Challenge::Kind kind, SessionIndex receiver,
                     const Block<16>& value, const wire::Mac& mac1) {
  const wire::Challenge challenge{kind, receiver, value, {}};
  Bytes out = wire::challenge_body(challenge);
  Writer(out).bytes(challenge_mac(keys, out, mac1));
  return out;
}

}  // namespace meshnode::overlay
