// Frame ciphers, by every provider that can run here: the same bytes, in place and elsewhere, and
// nothing but what was sealed is opened.
#include <algorithm>
#include <fstream>
#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "crypto/ipsec_mb.h"
#include "crypto/providers.h"
#include "tests/support/seeded_random.h"
#include "tests/vectors/hex.h"

namespace meshnode::crypto {
namespace {

const Secret32 kKey =
    test::hex_secret("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

Bytes counting(std::size_t size, std::uint8_t start) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(start + i);
  return out;
}

// A frame as it travels: associated data, text, room for the tag.
struct Frame {
  Frame(std::size_t ad_size, std::size_t text_size, std::uint64_t number)
      : ad(counting(ad_size, 0xa0)), text(counting(text_size, 3)), counter(number) {
    Writer writer(bytes);
    writer.bytes(ad);
    writer.bytes(text);
    writer.zeros(kTagSize);
  }
  FrameJob job() {
    return {.ad = bytes.data(),
            .ad_size = ad.size(),
            .in = bytes.data() + ad.size(),
            .out = bytes.data() + ad.size(),
            .text_size = text.size(),
            .counter = counter};
  }
  ByteView opened() const { return ByteView(bytes).subspan(ad.size(), text.size()); }

  Bytes ad, text, bytes;
  std::uint64_t counter;
};

struct Kind {
  CipherProvider provider;
  Cipher cipher;

  std::unique_ptr<FrameCipher> make(const Secret32& key = kKey) const {
    return provider.make(cipher, key);
  }
};

std::vector<Kind> kinds() {
  std::vector<Kind> out;
  for (const CipherProvider& provider : cipher_providers())
    for (const Cipher cipher : {Cipher::aes_256_gcm, Cipher::chacha20_poly1305})
      out.push_back({provider, cipher});
  return out;
}

std::string name_of(const testing::TestParamInfo<Kind>& info) {
  std::string out(info.param.provider.name);
  std::erase(out, '-');
  return out + (info.param.cipher == Cipher::aes_256_gcm ? "_aes" : "_chacha");
}

class FrameCipherTest : public testing::TestWithParam<Kind> {
 protected:
  // GnuTLS's one-shot call, proven by the published vectors: what every provider has to produce.
  Bytes expected(const Frame& frame) const {
    return seal(GetParam().cipher, kKey, counter_nonce(frame.counter), frame.ad, frame.text);
  }
};
INSTANTIATE_TEST_SUITE_P(Providers, FrameCipherTest, testing::ValuesIn(kinds()), name_of);

// Every size: vector code takes other ways for each remainder of its blocks of 16, 128, 256, …
// bytes.
TEST_P(FrameCipherTest, SealsLikeTheOneShotCallAndOpensIt) {
  const auto frame_cipher = GetParam().make();
  std::vector<std::size_t> sizes(2001);
  std::iota(sizes.begin(), sizes.end(), 0U);
  for (const std::size_t more : {4095U, 9000U, 16384U, 65519U}) sizes.push_back(more);
  for (const std::size_t size : sizes) {
    Frame frame(16, size, 0x1122334455ULL + size);
    Bytes sealed = frame.ad;
    Writer(sealed).bytes(expected(frame));
    FrameJob job = frame.job();
    frame_cipher->seal({&job, 1});
    ASSERT_TRUE(job.ok);
    ASSERT_EQ(frame.bytes, sealed) << size;
    job.ok = false;
    frame_cipher->open({&job, 1});
    ASSERT_TRUE(job.ok) << size;
    ASSERT_TRUE(std::ranges::equal(frame.opened(), frame.text)) << size;
  }
}

// Nothing but text and tag is written, wherever the buffers begin.
TEST_P(FrameCipherTest, SealsAndOpensToAnotherPlaceAtAnyAlignment) {
  constexpr std::uint8_t kGuard = 0xcc;
  const auto frame_cipher = GetParam().make();
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 64U, 255U, 1280U, 1420U, 1424U, 9000U})
    for (std::size_t shift = 0; shift < 64; shift += 7) {
      SCOPED_TRACE(testing::Message() << size << " bytes, shifted by " << shift);
      Frame frame(16, size, 77);
      const Bytes plain = frame.bytes;
      Bytes out(shift + size + kTagSize + 1, kGuard);
      FrameJob job = frame.job();
      job.out = out.data() + shift;
      frame_cipher->seal({&job, 1});
      ASSERT_TRUE(job.ok);
      ASSERT_EQ(frame.bytes, plain);
      Bytes wanted(shift, kGuard);
      Writer(wanted).bytes(expected(frame));
      wanted.push_back(kGuard);
      ASSERT_EQ(out, wanted);

      Bytes opened(2 * shift + size + 1, kGuard);
      job.in = out.data() + shift;
      job.out = opened.data() + 2 * shift;
      job.ok = false;
      frame_cipher->open({&job, 1});
      ASSERT_TRUE(job.ok);
      ASSERT_EQ(out, wanted);
      Bytes text(2 * shift, kGuard);
      Writer(text).bytes(frame.text);
      text.push_back(kGuard);
      ASSERT_EQ(opened, text);
    }
}

// No data pump does without a header, but the door allows any.
TEST_P(FrameCipherTest, AssociatedDataOfAnySizeIsAuthenticated) {
  const auto frame_cipher = GetParam().make();
  for (std::size_t size = 0; size <= 70; ++size) {
    Frame frame(size, 48, size);
    Bytes sealed = frame.ad;
    Writer(sealed).bytes(expected(frame));
    FrameJob job = frame.job();
    frame_cipher->seal({&job, 1});
    ASSERT_EQ(frame.bytes, sealed) << size;
  }
}

// The same key slot serves frames of all sizes in any order; a forged one spoils nothing for the
// others of its batch.
TEST_P(FrameCipherTest, JobsOfABatchAreIndependent) {
  const auto sealing = GetParam().make();
  const auto opening = GetParam().make();
  std::vector<Frame> frames = {{16, 1424, 9}, {16, 0, 3}, {16, 32, 4}, {0, 48, 1}, {24, 16, 2}};
  std::vector<FrameJob> jobs;
  jobs.reserve(frames.size());
  for (Frame& frame : frames) jobs.push_back(frame.job());
  sealing->seal(jobs);
  for (const FrameJob& job : jobs) EXPECT_TRUE(job.ok);

  frames[2].bytes[20] ^= 1;
  jobs[3].counter += 1;
  std::swap(jobs[0], jobs[4]);
  opening->open(jobs);
  EXPECT_TRUE(jobs[0].ok && jobs[1].ok && jobs[4].ok);
  EXPECT_FALSE(jobs[2].ok);
  EXPECT_FALSE(jobs[3].ok);
  for (const std::size_t good : {0U, 1U, 4U})
    EXPECT_TRUE(std::ranges::equal(frames[good].opened(), frames[good].text));
}

TEST_P(FrameCipherTest, RefusesEveryChangedBit) {
  const auto frame_cipher = GetParam().make();
  for (const std::size_t size : {0U, 48U, 300U}) {
    Frame sealed(16, size, 5);
    FrameJob job = sealed.job();
    frame_cipher->seal({&job, 1});
    for (std::size_t bit = 0; bit < 8 * sealed.bytes.size(); ++bit) {
      Frame changed = sealed;
      changed.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      FrameJob forged = changed.job();
      forged.ok = true;
      frame_cipher->open({&forged, 1});
      ASSERT_FALSE(forged.ok) << "bit " << bit;
    }
    frame_cipher->open({&job, 1});
    EXPECT_TRUE(job.ok) << "forgeries change nothing for the real frame";
  }
}

TEST_P(FrameCipherTest, AnotherKeyOpensNothing) {
  Frame frame(16, 48, 5);
  FrameJob job = frame.job();
  GetParam().make()->seal({&job, 1});
  GetParam().make(Secret32())->open({&job, 1});
  EXPECT_FALSE(job.ok);
}

// Each end uses what its machine has.
TEST_P(FrameCipherTest, OpensWhatAnyOtherProviderSealed) {
  test::SeededRandom random(7);
  for (const Kind& other : kinds()) {
    if (other.cipher != GetParam().cipher) continue;
    const auto sealing = other.make();
    const auto opening = GetParam().make();
    for (int i = 0; i < 500; ++i) {
      Frame frame(16, random.below(2001), random.u64());
      FrameJob job = frame.job();
      sealing->seal({&job, 1});
      job.ok = false;
      opening->open({&job, 1});
      ASSERT_TRUE(job.ok) << other.provider.name;
      ASSERT_TRUE(std::ranges::equal(frame.opened(), frame.text));
    }
  }
}

TEST(CipherProviders, GnutlsIsAlwaysThereAndLast) {
  ASSERT_FALSE(cipher_providers().empty());
  EXPECT_EQ(cipher_providers().back().name, "gnutls");
  EXPECT_EQ(cipher_providers().back().make, make_gnutls_cipher);
}

TEST(CipherProviders, IpsecMbIsThereOrSaysWhyNot) {
  EXPECT_EQ(cipher_providers().front().name == "ipsec-mb", ipsec_mb_rung().active);
  EXPECT_EQ(ipsec_mb_rung().why_not.empty(), ipsec_mb_rung().active);
}

#if MESHNODE_IPSEC_MB && defined(__x86_64__)
// By what the kernel says, since compilers do not know all names.
bool cpu_has(const std::vector<std::string>& flags) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("flags")) continue;
    return std::ranges::all_of(flags, [&](const std::string& flag) {
      return (line + ' ').find(' ' + flag + ' ') != line.npos;
    });
  }
  return false;
}

TEST(CipherProviders, IpsecMbIsChosenWhereTheCpuHasVectorAes) {
  const bool vector_aes =
      cpu_has({"vaes", "vpclmulqdq", "gfni", "sha_ni", "avx512vl", "avx512bw", "avx512ifma"});
  EXPECT_TRUE(!vector_aes || cipher_providers().front().name == "ipsec-mb");
}
#endif

TEST(WantedCiphers, AesFirstWhereTheCpuHasInstructionsForIt) {
  using enum Cipher;
  EXPECT_EQ(wanted_ciphers(true), (std::vector{aes_256_gcm, chacha20_poly1305}));
  EXPECT_EQ(wanted_ciphers(false), (std::vector{chacha20_poly1305, aes_256_gcm}));
}

}  // namespace
}  // namespace meshnode::crypto
