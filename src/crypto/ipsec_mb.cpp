#include "crypto/ipsec_mb.h"

#include "base/result.h"

#if MESHNODE_IPSEC_MB

#include <cstddef>

#include <intel-ipsec-mb.h>

namespace meshnode::crypto {
namespace {

struct FreeManager {
  void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};

// The three functions of the library that we need. It finds the best for the CPU itself.
struct Gcm {
  aes_gcm_pre_t expand = nullptr;
  aes_gcm_enc_dec_t seal = nullptr;
  aes_gcm_enc_dec_t open = nullptr;
};

bool passed_self_test(const IMB_MGR& manager) {
  constexpr std::uint64_t kPassed = IMB_FEATURE_SELF_TEST | IMB_FEATURE_SELF_TEST_PASS;
  return (manager.features & kPassed) == kPassed;
}

bool has_vector_aes_code(const IMB_MGR& manager) {
  constexpr std::uint64_t kVectorAes = IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
#if IMB_VERSION_NUM >= IMB_VERSION(1, 5, 0)
  return (manager.features & kVectorAes) == kVectorAes;
#else
  // Before 1.5 vector AES came with AVX-512 only.
  static_assert((IMB_CPUFLAGS_AVX512_T2 & kVectorAes) == kVectorAes);
  return (manager.features & IMB_CPUFLAGS_AVX512_T2) == IMB_CPUFLAGS_AVX512_T2;
#endif
}

struct Loaded {
  Gcm gcm;
  Rung rung;
};

// The manager is large and made for queues of jobs; what we take from it is plain functions.
Loaded load() {
  const std::unique_ptr<IMB_MGR, FreeManager> manager(alloc_mb_mgr(0));
  if (!manager) return {{}, Rung::off("no memory for intel-ipsec-mb")};
  init_mb_mgr_auto(manager.get(), nullptr);
  if (imb_get_errno(manager.get()) != 0 || !passed_self_test(*manager))
    return {{}, Rung::off("intel-ipsec-mb fails its self-test here")};
  if (!has_vector_aes_code(*manager))
    return {{}, Rung::off("intel-ipsec-mb has no vector AES for this CPU")};
  return {{manager->gcm256_pre, manager->gcm256_enc, manager->gcm256_dec}, Rung::on()};
}

const Loaded& loaded() {
  static const Loaded once = load();
  return once;
}

template <typename T>
MutableBytes bytes_of(T& value) {
  return {reinterpret_cast<std::uint8_t*>(&value), sizeof value};
}

// One key.
class Aes256Gcm {
 public:
  explicit Aes256Gcm(const Secret32& key) : gcm_(loaded().gcm) {
    MESH_ASSERT(loaded().rung.active);
    gcm_.expand(key.data(), &key_);
  }
  Aes256Gcm(const Aes256Gcm&) = delete;
  Aes256Gcm& operator=(const Aes256Gcm&) = delete;
  ~Aes256Gcm() {
    wipe(bytes_of(key_));
    wipe(bytes_of(scratch_));
  }

  // `out` has room for text and tag; it may be where the text is.
  void seal(const Nonce& nonce, ByteView ad, ByteView text, std::uint8_t* out) {
    gcm_.seal(&key_, &scratch_, out, text.data(), text.size(), nonce.data(), ad.data(), ad.size(),
              out + text.size(), kTagSize);
  }

  // `sealed` is text and tag; `out` has room for the text, and may be where it is. When the result
  // is false, `out` holds text that nobody has vouched for.
  bool open(const Nonce& nonce, ByteView ad, ByteView sealed, std::uint8_t* out) {
    const std::size_t size = sealed.size() - kTagSize;
    // The library computes the tag that would fit, and leaves the comparison to us.
    Block<kTagSize> wanted;
    gcm_.open(&key_, &scratch_, out, sealed.data(), size, nonce.data(), ad.data(), ad.size(),
              wanted.data(), kTagSize);
    return equal_constant_time(wanted, sealed.subspan(size));
  }

 private:
  Gcm gcm_;
  alignas(64) gcm_key_data key_;  // the header asks for it only where a macro LINUX is set
  gcm_context_data scratch_{};    // may hold key stream after a call
};

class IpsecMbFrameCipher final : public FrameCipher {
 public:
  explicit IpsecMbFrameCipher(const Secret32& key) : aes_(key) {}

  void seal(std::span<FrameJob> jobs) override {
    for (FrameJob& job : jobs) {
      aes_.seal(counter_nonce(job.counter), {job.ad, job.ad_size}, {job.in, job.text_size},
                job.out);
      job.ok = true;
    }
  }

  void open(std::span<FrameJob> jobs) override {
    for (FrameJob& job : jobs)
      job.ok = aes_.open(counter_nonce(job.counter), {job.ad, job.ad_size},
                         {job.in, job.text_size + kTagSize}, job.out);
  }

 private:
  Aes256Gcm aes_;
};

}  // namespace

const Rung& ipsec_mb_rung() {
  return loaded().rung;
}

std::unique_ptr<FrameCipher> make_ipsec_mb_cipher(Cipher cipher, const Secret32& key) {
  if (cipher != Cipher::aes_256_gcm) return make_gnutls_cipher(cipher, key);
  return std::make_unique<IpsecMbFrameCipher>(key);
}

Bytes ipsec_mb_seal(const Secret32& key, const Nonce& nonce, ByteView ad, ByteView plaintext) {
  Bytes out(plaintext.size() + kTagSize);
  Aes256Gcm(key).seal(nonce, ad, plaintext, out.data());
  return out;
}

std::optional<Bytes> ipsec_mb_open(const Secret32& key, const Nonce& nonce, ByteView ad,
                                   ByteView ciphertext) {
  if (ciphertext.size() < kTagSize) return std::nullopt;
  Bytes out(ciphertext.size() - kTagSize);
  if (Aes256Gcm(key).open(nonce, ad, ciphertext, out.data())) return out;
  wipe(out);
  return std::nullopt;
}

}  // namespace meshnode::crypto

#else

namespace meshnode::crypto {

const Rung& ipsec_mb_rung() {
  static const Rung none = Rung::off("intel-ipsec-mb is not in this build");
  return none;
}

std::unique_ptr<FrameCipher> make_ipsec_mb_cipher(Cipher, const Secret32&) {
  MESH_ASSERT(false && "intel-ipsec-mb is not in this build");
}

Bytes ipsec_mb_seal(const Secret32&, const Nonce&, ByteView, ByteView) {
  MESH_ASSERT(false && "intel-ipsec-mb is not in this build");
}

std::optional<Bytes> ipsec_mb_open(const Secret32&, const Nonce&, ByteView, ByteView) {
  MESH_ASSERT(false && "intel-ipsec-mb is not in this build");
}

}  // namespace meshnode::crypto

#endif
