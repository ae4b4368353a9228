#include "sim/cheap_suite.h"

#include <bit>

namespace meshnode::sim {
namespace {

constexpr std::uint64_t kOdd[4] = {0x9e3779b97f4a7c15U, 0xbf58476d1ce4e5b9U, 0x94d049bb133111ebU,
                                   0xd6e8feb86659fd93U};

std::uint64_t finish(std::uint64_t value) {
  value = (value ^ (value >> 30)) * kOdd[1];
  value = (value ^ (value >> 27)) * kOdd[2];
  return value ^ (value >> 31);
}

std::uint64_t load_some(const std::uint8_t* from, std::size_t size) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, size);
  return word;
}

// kLanes words of state, each of which sees everything.
template <std::size_t kLanes>
class Mixer {
 public:
  explicit Mixer(std::uint64_t label) {
    for (std::size_t i = 0; i < kLanes; ++i) lane_[i] = finish(label + kOdd[i]);
  }
  void add(ByteView bytes) {
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) word(load_some(bytes.data() + at, 8));
    if (at < bytes.size()) word(load_some(bytes.data() + at, bytes.size() - at));
    word(bytes.size());
  }
  void word(std::uint64_t value) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lane_[i] = std::rotl(lane_[i] ^ value, 23) * kOdd[i];
      lane_[i] ^= lane_[i] >> 29;
    }
  }
  std::uint64_t lane(std::size_t i) const { return finish(lane_[i]); }
  Block<8 * kLanes> bytes() const {
    Block<8 * kLanes> out;
    for (std::size_t i = 0; i < kLanes; ++i) store_le(out.data() + 8 * i, lane(i));
    return out;
  }

 private:
  std::uint64_t lane_[kLanes];
};

enum Label : std::uint64_t { kAgreementKey = 1, kAgreement, kSigningKey, kSignature, kTag, kText };

Block<32> public_of(const Secret32& secret, Label label) {
  Mixer<4> mixer(label);
  mixer.add(secret.view());
  return mixer.bytes();
}

class CheapCipher final : public crypto::FrameCipher {
 public:
  explicit CheapCipher(const Secret32& key) : key_(digest(key.view())) {}

  void seal(std::span<crypto::FrameJob> jobs) override {
    for (crypto::FrameJob& job : jobs) {
      mask(job);
      const Block<16> tag = tag_of(job, job.out);
      std::copy(tag.begin(), tag.end(), job.out + job.text_size);
      job.ok = true;
    }
  }
  void open(std::span<crypto::FrameJob> jobs) override {
    for (crypto::FrameJob& job : jobs) {
      const Block<16> tag = tag_of(job, job.in);
      job.ok = std::equal(tag.begin(), tag.end(), job.in + job.text_size);
      mask(job);
    }
  }

 private:
  void mask(const crypto::FrameJob& job) const {
    std::uint64_t state = finish(key_ ^ finish(job.counter + kText));
    for (std::size_t at = 0; at < job.text_size; at += 8) {
      state += kOdd[0];
      const std::uint64_t stream = finish(state);
      const std::size_t size = std::min<std::size_t>(8, job.text_size - at);
      const std::uint64_t word = load_some(job.in + at, size) ^ stream;
      std::memcpy(job.out + at, &word, size);
    }
  }
  Block<16> tag_of(const crypto::FrameJob& job, const std::uint8_t* sealed) const {
    Mixer<2> mixer(kTag);
    mixer.word(key_);
    mixer.word(job.counter);
    mixer.add({job.ad, job.ad_size});
    mixer.add({sealed, job.text_size});
    return mixer.bytes();
  }

  std::uint64_t key_;
};

}  // namespace

std::uint64_t digest(ByteView bytes, std::uint64_t seed) {
  Mixer<1> mixer(seed);
  mixer.add(bytes);
  return mixer.lane(0);
}

crypto::X25519Public CheapSuite::x25519_public(const crypto::X25519Secret& secret) const {
  return public_of(secret, kAgreementKey);
}

// The same from both sides, as both know both public keys.
bool CheapSuite::x25519(const crypto::X25519Secret& secret, const crypto::X25519Public& peer,
                        Secret32& shared) const {
  shared = Secret32();
  if (all_zero(peer)) return false;
  const auto own = x25519_public(secret);
  Mixer<4> mixer(kAgreement);
  mixer.add(std::min(own, peer));
  mixer.add(std::max(own, peer));
  shared = Secret32(mixer.bytes());
  return true;
}

crypto::Ed25519Public CheapSuite::ed25519_public(const crypto::Ed25519Seed& seed) const {
  return public_of(seed, kSigningKey);
}

crypto::Signature CheapSuite::sign(const crypto::Ed25519Seed& seed, ByteView message) const {
  Mixer<4> mixer(kSignature);
  mixer.add(ed25519_public(seed));
  mixer.add(message);
  const Block<32> half = mixer.bytes();
  crypto::Signature out;
  std::copy(half.begin(), half.end(), out.begin());
  std::copy(half.begin(), half.end(), out.begin() + 32);
  return out;
}

bool CheapSuite::verify(const crypto::Ed25519Public& key, ByteView message,
                        ByteView signature) const {
  if (signature.size() != sizeof(crypto::Signature)) return false;
  Mixer<4> mixer(kSignature);
  mixer.add(key);
  mixer.add(message);
  const Block<32> half = mixer.bytes();
  return std::equal(half.begin(), half.end(), signature.begin()) &&
         std::equal(half.begin(), half.end(), signature.begin() + 32);
}

const crypto::Suite& cheap_suite() {
  static const CheapSuite suite;
  return suite;
}

std::unique_ptr<crypto::FrameCipher> make_cheap_cipher(crypto::Cipher, const Secret32& key) {
  return std::make_unique<CheapCipher>(key);
}

}  // namespace meshnode::sim
