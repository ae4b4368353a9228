// Who gets the arithmetic of a handshake? Four cheap questions before the first key agreement
// (protocol.md "Admission"):
//   1. Does mac1 fit? Strangers get silence.
//   2. Have we seen exactly this message? The answer goes out again, or nothing does.
//   3. Is there load? Then mac2 must prove that the source address is real (RFC 9147's cookie idea,
//      WireGuard's form).
//   4. Is there budget left, for this source and in all?
//
// Invariants
//  1. At most one key agreement per distinct message, while the message is among the last
//     kRemembered.
//  2. Everything here is bounded, whatever comes.
#pragma once

#include <deque>
#include <optional>
#include <unordered_map>
#include <variant>

#include "base/clock.h"
#include "base/drop.h"
#include "base/endpoint.h"
#include "base/random.h"
#include "base/token_bucket.h"
#include "overlay/handshake.h"
#include "wire/handshake.h"

namespace meshnode::overlay {

class Gate {
 public:
  struct Proceed {};
  struct AnswerAgain {
    Bytes answer;
  };
  struct SendCookie {
    Block<16> cookie;
  };
  using Verdict = std::variant<Proceed, AnswerAgain, SendCookie, Drop>;

  Gate(Secret32 own_gate_key, Random& random);

  Verdict admit(TimePoint now, const Path& path, const wire::HandshakeInit& init);
  // What became of a message that was let in: its answer, or nothing.
  void remember(TimePoint now, const Path& path, const wire::Mac& mac1, Bytes answer);
  // The handshake is complete: the initiator has its answer and needs no repetition.
  void settle(const wire::Mac& mac1);

  // Stateless freshness challenge for a static key and boot id; good for 2 to 4 minutes.
  Block<16> challenge_for(TimePoint now, const crypto::X25519Public& key, const BootId& boot);
  [[nodiscard]] bool challenge_met(TimePoint now, const crypto::X25519Public& key,
                                   const BootId& boot, const Block<16>& answer);

  static constexpr Duration kRepeatAnswer = seconds(5);
  static constexpr std::size_t kRemembered = 1024;
  static constexpr std::size_t kMaxSources = 1024;
  static constexpr Duration kSecretLife = minutes(2);
  static constexpr double kLoadRate = 100;   // handshakes a second, from where on cookies are asked
  static constexpr double kTotalRate = 300;  // and the most that is ever computed
  static constexpr double kSourceRate = 10;  // per source address

 private:
  struct Remembered {
    wire::Mac mac1{};
    Path path;
    TimePoint at{};
    Bytes answer;
  };
  struct Secrets {
    Secret32 current, previous;
    TimePoint rotated{};
  };

  const Secrets& secrets(TimePoint now);
  Block<16> cookie_for(const Secret32& secret, const IpAddress& source) const;
  bool mac2_fits(TimePoint now, const Path& path, const wire::HandshakeInit& init);
  bool take_from_source(TimePoint now, const IpAddress& source);

  Secret32 gate_key_;
  Random& random_;
  std::deque<Remembered> remembered_;
  std::unordered_map<IpAddress, TokenBucket> sources_;
  TokenBucket load_{kLoadRate, kLoadRate};
  TokenBucket total_{kTotalRate, kTotalRate};
  std::optional<Secrets> secrets_;
};

}  // namespace meshnode::overlay
