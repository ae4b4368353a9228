// The Noise Protocol Framework, revision 34. Section numbers in this file are that document's, and
// so are the names of its objects and functions.
#include "crypto/noise.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace meshnode::crypto {
namespace {

constexpr std::size_t kMaxMessage = 65535;  // §3
constexpr std::size_t kDhLen = 32;          // §12.1
constexpr std::size_t kHashLen = 32;        // §12.5

// §7, §9: patterns.

enum class Token : std::uint8_t { none, e, s, ee, es, se, ss, psk };
constexpr std::size_t kMaxTokens = 5;
constexpr std::size_t kMaxMessages = 3;
using Tokens = std::span<const Token, kMaxTokens>;

// One row of the table below: the initiator writes the first message, then they take turns.
struct Pattern {
  NoisePattern id;
  std::string_view name;
  bool responder_known;  // the pre-message "<- s": the initiator has the responder's static key
  Token messages[kMaxMessages][kMaxTokens];

  constexpr bool uses(Token token) const {
    for (const auto& message : messages)
      for (const Token t : message)
        if (t == token) return true;
    return false;
  }
  // Whether a party sends its static key: the initiator writes the even messages.
  constexpr bool sends_static(bool initiator) const {
    for (std::size_t i = initiator ? 0 : 1; i < kMaxMessages; i += 2)
      for (const Token t : messages[i])
        if (t == Token::s) return true;
    return false;
  }
  constexpr bool needs_local_static(bool initiator) const {
    return sends_static(initiator) || (responder_known && !initiator);
  }
  constexpr std::size_t message_count() const {
    std::size_t count = 0;
    while (count < kMaxMessages && messages[count][0] != Token::none) ++count;
    return count;
  }
};

constexpr auto e = Token::e, s = Token::s, ee = Token::ee, es = Token::es, se = Token::se,
               ss = Token::ss, psk = Token::psk;

// clang-format off
constexpr Pattern kPatterns[] = {
    {NoisePattern::NNpsk0, "NNpsk0", false, {{psk, e}, {e, ee}}},
    {NoisePattern::NK,     "NK",     true,  {{e, es}, {e, ee}}},
    {NoisePattern::NKpsk2, "NKpsk2", true,  {{e, es}, {e, ee, psk}}},
    {NoisePattern::IK,     "IK",     true,  {{e, es, s, ss}, {e, ee, se}}},
    {NoisePattern::IKpsk1, "IKpsk1", true,  {{e, es, s, ss, psk}, {e, ee, se}}},
    {NoisePattern::IKpsk2, "IKpsk2", true,  {{e, es, s, ss}, {e, ee, se, psk}}},
    {NoisePattern::XX,     "XX",     false, {{e}, {e, ee, s, es}, {s, se}}},
    {NoisePattern::XXpsk3, "XXpsk3", false, {{e}, {e, ee, s, es}, {s, se, psk}}},
};
// clang-format on

const Pattern& find_pattern(NoisePattern id) {
  for (const Pattern& pattern : kPatterns)
    if (pattern.id == id) return pattern;
  MESH_ASSERT(false && "a pattern without a row in the table");
}

// §8: "Noise_" pattern "_" DH "_" cipher "_" hash.
std::string protocol_name(const Pattern& pattern, Cipher cipher) {
  const char* cipher_name = cipher == Cipher::aes_256_gcm ? "AESGCM" : "ChaChaPoly";
  return "Noise_" + std::string(pattern.name) + "_25519_" + cipher_name + "_SHA256";
}

// §12.3, §12.4. Not counter_nonce() of our data frames: Noise wants big-endian for AESGCM.
Nonce noise_nonce(Cipher cipher, std::uint64_t n) {
  Nonce nonce{};
  if (cipher == Cipher::aes_256_gcm)
    store_be(nonce.data() + 4, n);
  else
    store_le(nonce.data() + 4, n);
  return nonce;
}

// §4.3: HKDF with an empty info is that of RFC 5869.
template <std::size_t outputs>
std::array<Secret32, outputs> hkdf(const Secret32& chaining_key, ByteView input_key_material) {
  Secret<outputs * kHashLen> stream;
  hkdf_sha256(chaining_key.view(), input_key_material, {}, stream.mutable_view());
  std::array<Secret32, outputs> out;
  for (std::size_t i = 0; i < outputs; ++i)
    std::copy_n(stream.data() + i * kHashLen, kHashLen, out[i].data());
  return out;
}

// §5.1. A handshake encrypts a handful of times, so that n needs no guard against its end.
class CipherState {
 public:
  explicit CipherState(Cipher cipher) : cipher_(cipher) {}

  void initialize_key(const Secret32& key) {
    k_ = key;
    n_ = 0;
  }
  bool has_key() const { return k_.has_value(); }

  Bytes encrypt_with_ad(ByteView ad, ByteView plaintext) {
    if (!k_) return to_bytes(plaintext);
    return seal(cipher_, *k_, noise_nonce(cipher_, n_++), ad, plaintext);
  }
  std::optional<Bytes> decrypt_with_ad(ByteView ad, ByteView ciphertext) {
    if (!k_) return to_bytes(ciphertext);
    return open(cipher_, *k_, noise_nonce(cipher_, n_++), ad, ciphertext);
  }

 private:
  Cipher cipher_;
  std::optional<Secret32> k_;
  std::uint64_t n_ = 0;
};

// §5.2
class SymmetricState {
 public:
  SymmetricState(std::string_view name, Cipher cipher) : cipher_state_(cipher) {
    if (name.size() <= kHashLen)
      std::copy(name.begin(), name.end(), h_.begin());
    else
      h_ = sha256({as_bytes(name)});
    ck_ = Secret32(h_);
  }

  void mix_key(ByteView input_key_material) {
    const auto [ck, temp_k] = hkdf<2>(ck_, input_key_material);
    ck_ = ck;
    cipher_state_.initialize_key(temp_k);
  }
  void mix_hash(ByteView data) { h_ = sha256({h_, data}); }
  void mix_key_and_hash(ByteView input_key_material) {
    const auto [ck, temp_h, temp_k] = hkdf<3>(ck_, input_key_material);
    ck_ = ck;
    mix_hash(temp_h.view());
    cipher_state_.initialize_key(temp_k);
  }

  Bytes encrypt_and_hash(ByteView plaintext) {
    Bytes ciphertext = cipher_state_.encrypt_with_ad(h_, plaintext);
    mix_hash(ciphertext);
    return ciphertext;
  }
  std::optional<Bytes> decrypt_and_hash(ByteView ciphertext) {
    std::optional<Bytes> plaintext = cipher_state_.decrypt_with_ad(h_, ciphertext);
    mix_hash(ciphertext);
    return plaintext;
  }

  Noise::Keys split() const {
    const auto [initiator, responder] = hkdf<2>(ck_, {});
    return {initiator, responder};
  }
  const Hash& handshake_hash() const { return h_; }
  std::size_t tag_size() const { return cipher_state_.has_key() ? kTagSize : 0; }

 private:
  CipherState cipher_state_;
  Secret32 ck_;
  Hash h_{};
};

}  // namespace

// §5.3: the HandshakeState. After a failed write() or read() it is in pieces and must be thrown
// away: Noise hands a copy to each message.
struct Noise::State {
  State(NoiseConfig config, const Suite& the_suite);

  bool finished() const { return message == pattern->message_count(); }
  bool my_turn() const { return (message % 2 == 0) == initiator; }
  Tokens tokens() const { return Tokens(pattern->messages[message]); }

  std::optional<Bytes> write(ByteView payload);
  std::optional<Bytes> read(ByteView input);

  bool write_token(Token token, Bytes& out);
  bool read_token(Token token, Reader& in);
  void mix_ephemeral(const X25519Public& key);
  bool mix_dh(Token token);

  const Pattern* pattern;
  const Suite* suite;
  bool initiator;
  SymmetricState symmetric;
  std::optional<X25519Secret> local_static;      // s
  X25519Secret local_ephemeral;                  // e
  std::optional<X25519Public> remote_static;     // rs
  std::optional<X25519Public> remote_ephemeral;  // re
  std::optional<Secret32> shared_key;            // psk
  std::size_t message = 0;                       // the next one's place in the pattern
};

// Initialize(): prologue, then the pre-messages. A configuration that does not fit its pattern is
// our bug; above all, a psk pattern must never run without its psk.
Noise::State::State(NoiseConfig config, const Suite& the_suite)
    : pattern(&find_pattern(config.pattern)),
      suite(&the_suite),
      initiator(config.initiator),
      symmetric(protocol_name(*pattern, config.cipher), config.cipher),
      local_static(std::move(config.local_static)),
      local_ephemeral(std::move(config.ephemeral)),
      remote_static(config.remote_static),
      shared_key(std::move(config.psk)) {
  MESH_ASSERT(local_static || !pattern->needs_local_static(initiator));
  MESH_ASSERT(remote_static.has_value() == (initiator && pattern->responder_known));
  MESH_ASSERT(shared_key.has_value() == pattern->uses(Token::psk));
  symmetric.mix_hash(config.prologue);
  if (pattern->responder_known)
    symmetric.mix_hash(initiator ? *remote_static : suite->x25519_public(*local_static));
}

// WriteMessage()
std::optional<Bytes> Noise::State::write(ByteView payload) {
  Bytes out;
  for (const Token token : tokens())
    if (!write_token(token, out)) return std::nullopt;
  Writer(out).bytes(symmetric.encrypt_and_hash(payload));
  MESH_ASSERT(out.size() <= kMaxMessage);
  ++message;
  return out;
}

// ReadMessage()
std::optional<Bytes> Noise::State::read(ByteView input) {
  if (input.size() > kMaxMessage) return std::nullopt;
  Reader in(input);
  for (const Token token : tokens())
    if (!read_token(token, in)) return std::nullopt;
  std::optional<Bytes> payload = symmetric.decrypt_and_hash(in.bytes(in.left()));
  ++message;
  return payload;
}

bool Noise::State::write_token(Token token, Bytes& out) {
  switch (token) {
    case Token::none:
      return true;
    case Token::e: {
      const X25519Public key = suite->x25519_public(local_ephemeral);
      Writer(out).bytes(key);
      mix_ephemeral(key);
      return true;
    }
    case Token::s:
      Writer(out).bytes(symmetric.encrypt_and_hash(suite->x25519_public(*local_static)));
      return true;
    case Token::psk:
      symmetric.mix_key_and_hash(shared_key->view());  // §9.2
      return true;
    default:
      return mix_dh(token);
  }
}

bool Noise::State::read_token(Token token, Reader& in) {
  switch (token) {
    case Token::none:
      return true;
    case Token::e:
      remote_ephemeral = in.block<kDhLen>();
      mix_ephemeral(*remote_ephemeral);
      return in.ok();
    case Token::s: {
      const ByteView sealed = in.bytes(kDhLen + symmetric.tag_size());
      if (!in.ok()) return false;
      const std::optional<Bytes> key = symmetric.decrypt_and_hash(sealed);
      if (!key) return false;
      remote_static = Reader(*key).block<kDhLen>();
      return true;
    }
    case Token::psk:
      symmetric.mix_key_and_hash(shared_key->view());  // §9.2
      return true;
    default:
      return mix_dh(token);
  }
}

// §9.2: with a psk, ephemeral keys also go into the key, so that two runs with the same psk never
// encrypt under the same key.
void Noise::State::mix_ephemeral(const X25519Public& key) {
  symmetric.mix_hash(key);
  if (pattern->uses(Token::psk)) symmetric.mix_key(key);
}

// In the two letters of a token, the initiator's key comes first, the responder's second.
bool Noise::State::mix_dh(Token token) {
  const bool first_is_e = token == Token::ee || token == Token::es;
  const bool second_is_e = token == Token::ee || token == Token::se;
  const bool local_is_e = initiator ? first_is_e : second_is_e;
  const bool remote_is_e = initiator ? second_is_e : first_is_e;
  const X25519Secret& local = local_is_e ? local_ephemeral : *local_static;
  const X25519Public& remote = remote_is_e ? *remote_ephemeral : *remote_static;
  Secret32 shared;
  if (!suite->x25519(local, remote, shared)) return false;
  symmetric.mix_key(shared.view());
  return true;
}

Noise::Noise(NoiseConfig config, const Suite& suite)
    : state_(std::make_unique<State>(std::move(config), suite)) {}
Noise::~Noise() = default;
Noise::Noise(Noise&&) noexcept = default;
Noise& Noise::operator=(Noise&&) noexcept = default;

std::optional<Bytes> Noise::write_message(ByteView payload) {
  if (finished() || !state_->my_turn()) return std::nullopt;
  State next = *state_;
  std::optional<Bytes> message = next.write(payload);
  if (message) *state_ = std::move(next);
  return message;
}

std::optional<Bytes> Noise::read_message(ByteView message) {
  if (finished() || state_->my_turn()) return std::nullopt;
  State next = *state_;
  std::optional<Bytes> payload = next.read(message);
  if (payload) *state_ = std::move(next);
  return payload;
}

bool Noise::finished() const {
  return state_->finished();
}

Noise::Keys Noise::split() const {
  MESH_ASSERT(finished());
  return state_->symmetric.split();
}

const Hash& Noise::handshake_hash() const {
  MESH_ASSERT(finished());
  return state_->symmetric.handshake_hash();
}

const std::optional<X25519Public>& Noise::remote_static() const {
  return state_->remote_static;
}

}  // namespace meshnode::crypto
