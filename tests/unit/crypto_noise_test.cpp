// How the Noise machine behaves, towards friends and enemies. The exact bytes of all patterns are
// checked in tests/vectors; one handshake, our own, is also here.
#include <tuple>

#include <gtest/gtest.h>

#include "crypto/noise.h"
#include "tests/vectors/hex.h"

namespace meshnode::crypto {
namespace {

using test::hex_secret;

constexpr NoisePattern kAllPatterns[] = {
    NoisePattern::NNpsk0, NoisePattern::NK,     NoisePattern::NKpsk2, NoisePattern::IK,
    NoisePattern::IKpsk1, NoisePattern::IKpsk2, NoisePattern::XX,     NoisePattern::XXpsk3};

bool is_one_of(NoisePattern pattern, std::initializer_list<NoisePattern> set) {
  return std::find(set.begin(), set.end(), pattern) != set.end();
}
bool knows_responder(NoisePattern p) {
  return is_one_of(p, {NoisePattern::NK, NoisePattern::NKpsk2, NoisePattern::IK,
                       NoisePattern::IKpsk1, NoisePattern::IKpsk2});
}
bool has_psk(NoisePattern p) {
  return is_one_of(p, {NoisePattern::NNpsk0, NoisePattern::NKpsk2, NoisePattern::IKpsk1,
                       NoisePattern::IKpsk2, NoisePattern::XXpsk3});
}
bool sends_initiator(NoisePattern p) {
  return is_one_of(p, {NoisePattern::IK, NoisePattern::IKpsk1, NoisePattern::IKpsk2,
                       NoisePattern::XX, NoisePattern::XXpsk3});
}
bool sends_responder(NoisePattern p) {
  return is_one_of(p, {NoisePattern::XX, NoisePattern::XXpsk3});
}

Secret32 filled(std::uint8_t value) {
  Block<32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}
const Secret32 kInitiatorStatic = filled(0x11);
const Secret32 kInitiatorEphemeral = filled(0x22);
const Secret32 kResponderStatic = filled(0x33);
const Secret32 kResponderEphemeral = filled(0x44);
const Secret32 kPsk = filled(0x55);
X25519Public public_of(const Secret32& secret) {
  return real_suite().x25519_public(secret);
}

NoiseConfig config_of(NoisePattern pattern, Cipher cipher, bool initiator) {
  NoiseConfig config;
  config.pattern = pattern;
  config.cipher = cipher;
  config.initiator = initiator;
  config.prologue = to_bytes(as_bytes("prologue"));
  config.local_static = initiator ? kInitiatorStatic : kResponderStatic;
  config.ephemeral = initiator ? kInitiatorEphemeral : kResponderEphemeral;
  if (initiator && knows_responder(pattern)) config.remote_static = public_of(kResponderStatic);
  if (has_psk(pattern)) config.psk = kPsk;
  return config;
}
NoiseConfig ours(bool initiator) {
  return config_of(NoisePattern::IKpsk2, Cipher::aes_256_gcm, initiator);
}

Bytes payload_of(int message) {
  return to_bytes(as_bytes("payload " + std::to_string(message)));
}

// Two machines that talk to each other; `sender` is the one whose turn it is.
struct Talk {
  Talk(NoiseConfig a, NoiseConfig b)
      : initiator(std::move(a), real_suite()), responder(std::move(b), real_suite()) {}

  Noise& sender() { return message % 2 == 0 ? initiator : responder; }
  Noise& receiver() { return message % 2 == 0 ? responder : initiator; }
  // False when either side refuses.
  bool step() {
    const auto sent = sender().write_message(payload_of(message));
    if (!sent) return false;
    const auto got = receiver().read_message(*sent);
    if (got != payload_of(message)) return false;
    ++message;
    return true;
  }
  bool run() {
    while (!initiator.finished() || !responder.finished())
      if (!step()) return false;
    return true;
  }

  Noise initiator, responder;
  int message = 0;
};

bool same_keys(const Noise& a, const Noise& b) {
  const Noise::Keys left = a.split();
  const Noise::Keys right = b.split();
  return left.initiator_to_responder == right.initiator_to_responder &&
         left.responder_to_initiator == right.responder_to_initiator;
}

class NoisePatterns : public testing::TestWithParam<std::tuple<NoisePattern, Cipher>> {
 protected:
  NoisePattern pattern() const { return std::get<0>(GetParam()); }
  Cipher cipher() const { return std::get<1>(GetParam()); }
  NoiseConfig config(bool initiator) const { return config_of(pattern(), cipher(), initiator); }
};
std::string case_name(const testing::TestParamInfo<NoisePatterns::ParamType>& info) {
  const char* patterns[] = {"NNpsk0", "NK", "NKpsk2", "IK", "IKpsk1", "IKpsk2", "XX", "XXpsk3"};
  const auto [pattern, cipher] = info.param;
  return std::string(patterns[static_cast<std::size_t>(pattern)]) +
         (cipher == Cipher::aes_256_gcm ? "_AESGCM" : "_ChaChaPoly");
}
INSTANTIATE_TEST_SUITE_P(All, NoisePatterns,
                         testing::Combine(testing::ValuesIn(kAllPatterns),
                                          testing::Values(Cipher::aes_256_gcm,
                                                          Cipher::chacha20_poly1305)),
                         case_name);

TEST_P(NoisePatterns, BothSidesAgree) {
  Talk talk(config(true), config(false));
  ASSERT_TRUE(talk.run());
  EXPECT_EQ(talk.initiator.handshake_hash(), talk.responder.handshake_hash());
  EXPECT_TRUE(same_keys(talk.initiator, talk.responder));
  const Noise::Keys keys = talk.initiator.split();
  EXPECT_FALSE(keys.initiator_to_responder == keys.responder_to_initiator);

  EXPECT_EQ(talk.responder.remote_static().has_value(), sends_initiator(pattern()));
  if (sends_initiator(pattern())) {
    EXPECT_EQ(talk.responder.remote_static(), public_of(kInitiatorStatic));
  }
  EXPECT_EQ(talk.initiator.remote_static().has_value(),
            knows_responder(pattern()) || sends_responder(pattern()));
}

TEST_P(NoisePatterns, NobodySpeaksOutOfTurn) {
  Talk talk(config(true), config(false));
  Talk undisturbed(config(true), config(false));
  ASSERT_TRUE(undisturbed.run());
  while (!talk.initiator.finished() || !talk.responder.finished()) {
    EXPECT_FALSE(talk.receiver().write_message({}));
    const auto sent = talk.sender().write_message(payload_of(talk.message));
    ASSERT_TRUE(sent);
    EXPECT_FALSE(talk.sender().write_message({})) << "it has just spoken";
    if (talk.sender().finished()) {
      EXPECT_FALSE(talk.sender().read_message(*sent)) << "there is nothing left to hear";
    }
    ASSERT_EQ(talk.receiver().read_message(*sent), payload_of(talk.message));
    EXPECT_FALSE(talk.receiver().read_message(*sent)) << "a retransmission is not the next message";
    ++talk.message;
  }
  EXPECT_FALSE(talk.initiator.write_message({}));
  EXPECT_FALSE(talk.responder.write_message({}));
  EXPECT_EQ(talk.initiator.handshake_hash(), undisturbed.initiator.handshake_hash());
  EXPECT_EQ(talk.responder.handshake_hash(), undisturbed.initiator.handshake_hash());
}

// All that a stranger could send in place of `good`: cut short, garbled, prolonged, invented.
std::vector<Bytes> forgeries(const Bytes& good) {
  std::vector<Bytes> out;
  for (std::size_t size = 0; size < good.size(); ++size)
    out.emplace_back(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
  for (std::size_t i = 0; i < good.size(); ++i) {
    out.push_back(good);
    out.back()[i] ^= 0x40;
  }
  out.push_back(good);
  out.back().push_back(0);
  out.emplace_back(good.size());
  out.emplace_back(70'000);
  return out;
}

// The failure contract of noise.h, at every message of every pattern.
TEST_P(NoisePatterns, ForgeriesThenTheRealMessage) {
  Talk undisturbed(config(true), config(false));
  ASSERT_TRUE(undisturbed.run());

  Talk talk(config(true), config(false));
  while (!talk.initiator.finished() || !talk.responder.finished()) {
    SCOPED_TRACE(talk.message);
    const auto good = talk.sender().write_message(payload_of(talk.message));
    ASSERT_TRUE(good);
    Noise& receiver = talk.receiver();
    const auto known = receiver.remote_static();
    // XX begins in the clear: whatever is long enough is a first message.
    const bool in_the_clear = pattern() == NoisePattern::XX && talk.message == 0;
    for (const Bytes& forgery : forgeries(*good)) {
      if (in_the_clear && forgery.size() >= 32 && forgery.size() <= 65535) continue;
      ASSERT_FALSE(receiver.read_message(forgery)) << to_hex(forgery);
      ASSERT_EQ(receiver.remote_static(), known);
      ASSERT_FALSE(receiver.finished());
    }
    ASSERT_EQ(receiver.read_message(*good), payload_of(talk.message));
    ++talk.message;
  }
  EXPECT_EQ(talk.initiator.handshake_hash(), undisturbed.initiator.handshake_hash());
  EXPECT_EQ(talk.responder.handshake_hash(), undisturbed.initiator.handshake_hash());
  EXPECT_TRUE(same_keys(talk.initiator, undisturbed.initiator));
  EXPECT_TRUE(same_keys(talk.responder, undisturbed.initiator));
}

TEST_P(NoisePatterns, WrongPskGetsNowhere) {
  if (!has_psk(pattern())) return;
  NoiseConfig stranger = config(false);
  stranger.psk = filled(0x56);
  EXPECT_FALSE(Talk(config(true), std::move(stranger)).run());
}

TEST_P(NoisePatterns, WrongResponderGetsNowhere) {
  if (!knows_responder(pattern())) return;
  NoiseConfig stranger = config(false);
  stranger.local_static = filled(0x34);
  EXPECT_FALSE(Talk(config(true), std::move(stranger)).step()) << "the first message is not for it";
}

TEST_P(NoisePatterns, AnotherPrologueGetsNowhere) {
  NoiseConfig other = config(false);
  other.prologue.push_back(0);
  EXPECT_FALSE(Talk(config(true), std::move(other)).run());
}

TEST_P(NoisePatterns, AnotherCipherGetsNowhere) {
  const Cipher other =
      cipher() == Cipher::aes_256_gcm ? Cipher::chacha20_poly1305 : Cipher::aes_256_gcm;
  EXPECT_FALSE(Talk(config(true), config_of(pattern(), other, false)).run());
}

// An answer by somebody who saw the first message but has not the responder's key.
TEST_P(NoisePatterns, ReflectedMessageIsNoAnswer) {
  Noise initiator(config(true), real_suite());
  Noise responder(config(false), real_suite());
  const auto first = initiator.write_message(payload_of(0));
  ASSERT_TRUE(first);
  EXPECT_FALSE(initiator.read_message(*first)) << "talking to myself";
  ASSERT_TRUE(responder.read_message(*first));
  const auto answer = responder.write_message(payload_of(1));
  ASSERT_TRUE(answer);
  EXPECT_EQ(initiator.read_message(*answer), payload_of(1));
}

// An ephemeral of low order, as if it were the initiator's: its owner would not need to know any
// key. The responder must not come to an agreement with it.
TEST_P(NoisePatterns, EphemeralOfLowOrderIsRefused) {
  Noise initiator(config(true), real_suite());
  Noise responder(config(false), real_suite());
  const auto good = initiator.write_message(payload_of(0));
  ASSERT_TRUE(good);
  Bytes bad = *good;
  std::fill_n(bad.begin(), 32, std::uint8_t{0});
  if (pattern() == NoisePattern::XX) {
    // Nothing is computed with it before the answer, which does not come.
    ASSERT_TRUE(responder.read_message(bad));
    EXPECT_FALSE(responder.write_message({}));
    EXPECT_FALSE(responder.write_message({}));
    return;
  }
  EXPECT_FALSE(responder.read_message(bad));
  EXPECT_EQ(responder.read_message(*good), payload_of(0));
}

TEST_P(NoisePatterns, ResponderKeyOfLowOrderIsRefused) {
  if (!knows_responder(pattern())) return;
  NoiseConfig broken = config(true);
  broken.remote_static = X25519Public{1};
  Noise initiator(std::move(broken), real_suite());
  EXPECT_FALSE(initiator.write_message({}));
  EXPECT_FALSE(initiator.write_message({})) << "still its turn, still refused";
  EXPECT_FALSE(initiator.finished());
}

TEST_P(NoisePatterns, EmptyPayloads) {
  Talk talk(config(true), config(false));
  while (!talk.initiator.finished() || !talk.responder.finished()) {
    const auto sent = talk.sender().write_message({});
    ASSERT_TRUE(sent);
    const auto got = talk.receiver().read_message(*sent);
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->empty());
    ++talk.message;
  }
}

// The keys of the published cacophony vectors.
Talk cacophony(NoisePattern pattern) {
  NoiseConfig a = config_of(pattern, Cipher::aes_256_gcm, true);
  NoiseConfig b = config_of(pattern, Cipher::aes_256_gcm, false);
  a.prologue = b.prologue = to_bytes(as_bytes("John Galt"));
  a.local_static = hex_secret("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1");
  a.ephemeral = hex_secret("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a");
  b.local_static = hex_secret("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893");
  b.ephemeral = hex_secret("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b");
  if (knows_responder(pattern)) a.remote_static = public_of(*b.local_static);
  if (has_psk(pattern))
    a.psk = b.psk = hex_secret("54686973206973206d7920417573747269616e20706572737065637469766521");
  return {std::move(a), std::move(b)};
}

// Sends one message and returns its hex.
std::string exchange(Talk& talk, std::string_view payload) {
  const Bytes sent = talk.sender().write_message(as_bytes(payload)).value();
  EXPECT_EQ(talk.receiver().read_message(sent), to_bytes(as_bytes(payload)));
  ++talk.message;
  return to_hex(sent);
}

TEST(Noise, OurHandshakeGolden) {
  Talk talk = cacophony(NoisePattern::IKpsk2);
  EXPECT_EQ(
      exchange(talk, "Ludwig von Mises"),
      "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
      "5a1baf339186d7867062b0dd31f5de322d370165d217939b2b7ed9e2bae7840458ea65c2ce1554e0e8077fe7"
      "334c4bd514c658fd04d97b86d216f58f59714a7e24144155045c8f36bed85a2cb0fd9af7");
  EXPECT_EQ(exchange(talk, "Murray Rothbard"),
            "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
            "2fe8d675e949799d2a968211a66cc7ba2b0f4cad8eda3c2bd37eae737bbf88");
  EXPECT_EQ(to_hex(talk.initiator.handshake_hash()),
            "48c3f1eb397c797af6b139032c6074cb41282ff033ee25d5aee4a4badd3a2c3f");
  EXPECT_EQ(talk.initiator.handshake_hash(), talk.responder.handshake_hash());
}

// Unlike in IKpsk2, a key encrypts twice here: this shows the byte order of the nonce.
TEST(Noise, XxHandshakeGolden) {
  Talk talk = cacophony(NoisePattern::XX);
  exchange(talk, "Ludwig von Mises");
  exchange(talk, "Murray Rothbard");
  exchange(talk, "F. A. Hayek");
  EXPECT_EQ(to_hex(talk.responder.handshake_hash()),
            "1b7aefb1125762aa21a252890d00af54519638b76437444538f9a52f21e2e0dc");
  EXPECT_EQ(talk.initiator.handshake_hash(), talk.responder.handshake_hash());
}

TEST(Noise, FreshEphemeralsGiveFreshKeys) {
  Talk first(ours(true), ours(false));
  NoiseConfig later = ours(true);
  later.ephemeral = filled(0x23);
  Talk second(std::move(later), ours(false));
  ASSERT_TRUE(first.run() && second.run());
  EXPECT_FALSE(same_keys(first.initiator, second.initiator));
}

TEST(Noise, LateAnswerOfAnEarlierHandshakeIsNoAnswer) {
  Noise old_initiator(ours(true), real_suite());
  Noise old_responder(ours(false), real_suite());
  ASSERT_TRUE(old_responder.read_message(old_initiator.write_message({}).value()));
  const Bytes late = old_responder.write_message({}).value();

  NoiseConfig later = ours(true);
  later.ephemeral = filled(0x23);
  Noise initiator(std::move(later), real_suite());
  NoiseConfig later_answer = ours(false);
  later_answer.ephemeral = filled(0x45);
  Noise responder(std::move(later_answer), real_suite());
  ASSERT_TRUE(responder.read_message(initiator.write_message({}).value()));
  EXPECT_FALSE(initiator.read_message(late));
  EXPECT_TRUE(initiator.read_message(responder.write_message({}).value()));
}

TEST(Noise, MovesWithItsState) {
  Noise initiator(ours(true), real_suite());
  Noise responder(ours(false), real_suite());
  ASSERT_TRUE(responder.read_message(initiator.write_message({}).value()));
  Noise moved(std::move(responder));
  initiator = [&] {
    Noise inner(std::move(initiator));
    return inner;
  }();
  EXPECT_TRUE(initiator.read_message(moved.write_message({}).value()));
  EXPECT_TRUE(same_keys(initiator, moved));
}

TEST(Noise, LongestMessage) {
  Talk talk(config_of(NoisePattern::XX, Cipher::aes_256_gcm, true),
            config_of(NoisePattern::XX, Cipher::aes_256_gcm, false));
  const auto sent = talk.initiator.write_message(Bytes(65535 - 32));
  ASSERT_TRUE(sent);
  Bytes longer = *sent;
  longer.push_back(0);
  EXPECT_FALSE(talk.responder.read_message(longer));
  EXPECT_TRUE(talk.responder.read_message(*sent));
}

TEST(NoiseDeathTest, ConfigurationsThatDoNotFitTheirPattern) {
  const auto start = [](NoiseConfig config) { Noise(std::move(config), real_suite()); };
  NoiseConfig config = ours(true);
  config.psk.reset();
  EXPECT_DEATH(start(config), "bug") << "psk pattern without psk";
  config = config_of(NoisePattern::IK, Cipher::aes_256_gcm, true);
  config.psk = kPsk;
  EXPECT_DEATH(start(config), "bug") << "a psk that would not be used";
  config = ours(true);
  config.remote_static.reset();
  EXPECT_DEATH(start(config), "bug") << "initiator that does not know whom it calls";
  config = ours(false);
  config.local_static.reset();
  EXPECT_DEATH(start(config), "bug") << "responder without its key";
  config = config_of(NoisePattern::XX, Cipher::aes_256_gcm, true);
  config.remote_static = public_of(kResponderStatic);
  EXPECT_DEATH(start(config), "bug") << "a key that XX would not check";
}

TEST(NoiseDeathTest, NoKeysBeforeTheEnd) {
  Noise initiator(ours(true), real_suite());
  EXPECT_DEATH(initiator.split(), "bug");
  EXPECT_DEATH(initiator.handshake_hash(), "bug");
}

}  // namespace
}  // namespace meshnode::crypto
