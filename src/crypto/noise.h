// The Noise protocol framework, revision 34: the patterns that we use or test with, over 25519,
// AESGCM or ChaChaPoly, SHA256. Our handshake is IKpsk2 with AESGCM.
//
// Failure contract: read_message() either succeeds, or returns nothing and leaves the machine
// exactly as it was: the real message may still arrive. A machine whose turn it is to write never
// reads and the other way round (both return nothing / false and change nothing).
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/suite.h"

namespace meshnode::crypto {

enum class NoisePattern { NNpsk0, NK, NKpsk2, IK, IKpsk1, IKpsk2, XX, XXpsk3 };

struct NoiseConfig {
  NoisePattern pattern = NoisePattern::IKpsk2;
  Cipher cipher = Cipher::aes_256_gcm;
  bool initiator = false;
  Bytes prologue;
  std::optional<X25519Secret> local_static;
  std::optional<X25519Public> remote_static;  // known before, where the pattern wants it
  std::optional<Secret32> psk;
  X25519Secret ephemeral;  // fresh randomness for each handshake; a fixed one only in tests
};

class Noise {
 public:
  struct Keys {
    Secret32 initiator_to_responder;
    Secret32 responder_to_initiator;
  };

  // `suite` outlives the machine.
  Noise(NoiseConfig config, const Suite& suite);
  ~Noise();
  // Not copied: two runs of one handshake would use the same ephemeral key and nonces twice.
  Noise(Noise&&) noexcept;
  Noise& operator=(Noise&&) noexcept;

  // The next message carrying `payload`. Nothing if it is not our turn, or if the peer's public key
  // was of low order.
  std::optional<Bytes> write_message(ByteView payload);
  // The payload of the peer's next message. Nothing if it does not authenticate.
  std::optional<Bytes> read_message(ByteView message);

  bool finished() const;
  // After finished(): transport keys (Split()) and the channel binding.
  Keys split() const;
  const Hash& handshake_hash() const;
  // The peer's static key, once known.
  const std::optional<X25519Public>& remote_static() const;

 private:
  struct State;  // everything that a message changes; copied, changed, and put back on success
  std::unique_ptr<State> state_;
};

}  // namespace meshnode::crypto
