// The cacophony vectors: every byte of every handshake message and of the transport messages after
// it, from both ends.
#include "crypto/noise.h"
#include "tests/vectors/vector_file.h"

namespace meshnode::crypto {
namespace {

using nlohmann::json;
using test::hex_block;
using test::hex_of;
using test::hex_secret;
using test::text_of;

class NoiseVectors : public test::VectorFile {
 protected:
  void SetUp() override { load("noise.json"); }
};

NoisePattern pattern_of(const std::string& name) {
  const std::pair<const char*, NoisePattern> patterns[] = {
      {"NNpsk0", NoisePattern::NNpsk0}, {"NK", NoisePattern::NK},
      {"NKpsk2", NoisePattern::NKpsk2}, {"IK", NoisePattern::IK},
      {"IKpsk1", NoisePattern::IKpsk1}, {"IKpsk2", NoisePattern::IKpsk2},
      {"XX", NoisePattern::XX},         {"XXpsk3", NoisePattern::XXpsk3}};
  for (const auto& [text, pattern] : patterns)
    if (name.starts_with("Noise_" + std::string(text) + "_")) return pattern;
  throw std::runtime_error("a pattern that we do not have: " + name);
}

Cipher cipher_of(const std::string& name) {
  return name.find("_AESGCM_") != std::string::npos ? Cipher::aes_256_gcm
                                                    : Cipher::chacha20_poly1305;
}

// `who` is "init" or "resp", the prefix of the members that belong to that side.
NoiseConfig config_of(const json& vector, const std::string& who) {
  const auto member = [&](const char* name) { return who + name; };
  NoiseConfig config;
  config.pattern = pattern_of(text_of(vector, "protocol_name"));
  config.cipher = cipher_of(text_of(vector, "protocol_name"));
  config.initiator = who == "init";
  config.prologue = hex_of(vector, member("_prologue").c_str());
  config.ephemeral = hex_secret(text_of(vector, member("_ephemeral").c_str()));
  if (vector.contains(member("_static")))
    config.local_static = hex_secret(text_of(vector, member("_static").c_str()));
  if (vector.contains(member("_remote_static")))
    config.remote_static = hex_block<32>(text_of(vector, member("_remote_static").c_str()));
  if (vector.contains(member("_psks"))) {
    EXPECT_EQ(vector.at(member("_psks")).size(), 1U);
    config.psk = hex_secret(vector.at(member("_psks")).at(0).get<std::string>());
  }
  return config;
}

// Noise rev 34 §12.3, §12.4: the transport messages of the vectors are Noise's, not data frames of
// ours.
Nonce transport_nonce(Cipher cipher, std::uint64_t n) {
  Nonce nonce{};
  if (cipher == Cipher::aes_256_gcm)
    store_be(nonce.data() + 4, n);
  else
    store_le(nonce.data() + 4, n);
  return nonce;
}

// Returns how many messages the handshake took.
std::size_t check_handshake(const json& messages, Noise& initiator, Noise& responder) {
  std::size_t i = 0;
  while (!initiator.finished() || !responder.finished()) {
    SCOPED_TRACE(i);
    Noise& sender = i % 2 == 0 ? initiator : responder;
    Noise& receiver = i % 2 == 0 ? responder : initiator;
    const Bytes payload = hex_of(messages.at(i), "payload");
    const auto sent = sender.write_message(payload);
    if (!sent) {
      ADD_FAILURE() << "nothing written";
      return 0;
    }
    EXPECT_EQ(to_hex(*sent), text_of(messages.at(i), "ciphertext"));
    const auto got = receiver.read_message(*sent);
    if (!got) {
      ADD_FAILURE() << "nothing read";
      return 0;
    }
    EXPECT_EQ(*got, payload);
    ++i;
  }
  return i;
}

void check_transport(const json& messages, std::size_t from, Cipher cipher,
                     const Noise::Keys& keys) {
  std::uint64_t counters[2] = {0, 0};
  for (std::size_t i = from; i < messages.size(); ++i) {
    SCOPED_TRACE(i);
    const bool by_initiator = i % 2 == 0;
    const Secret32& key = by_initiator ? keys.initiator_to_responder : keys.responder_to_initiator;
    const Nonce nonce = transport_nonce(cipher, counters[by_initiator ? 0 : 1]++);
    const Bytes payload = hex_of(messages.at(i), "payload");
    const Bytes ciphertext = hex_of(messages.at(i), "ciphertext");
    EXPECT_EQ(seal(cipher, key, nonce, {}, payload), ciphertext);
    EXPECT_EQ(open(cipher, key, nonce, {}, ciphertext), payload);
  }
}

TEST_F(NoiseVectors, EveryMessage) {
  std::size_t executed = 0;
  for (const json& vector : file_.at("vectors")) {
    const std::string name = text_of(vector, "protocol_name");
    SCOPED_TRACE(name);
    Noise initiator(config_of(vector, "init"), real_suite());
    Noise responder(config_of(vector, "resp"), real_suite());
    const json& messages = vector.at("messages");
    const std::size_t handshake = check_handshake(messages, initiator, responder);
    ASSERT_GE(handshake, 2U);
    ASSERT_GT(messages.size(), handshake) << "no transport messages";
    EXPECT_EQ(to_hex(initiator.handshake_hash()), text_of(vector, "handshake_hash"));
    EXPECT_EQ(to_hex(responder.handshake_hash()), text_of(vector, "handshake_hash"));
    check_transport(messages, handshake, cipher_of(name), initiator.split());
    check_transport(messages, handshake, cipher_of(name), responder.split());
    ++executed;
  }
  EXPECT_GE(executed, 16U) << "8 patterns, 2 ciphers";
}

}  // namespace
}  // namespace meshnode::crypto
