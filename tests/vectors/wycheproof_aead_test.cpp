#include "crypto/ipsec_mb.h"
#include "tests/vectors/vector_file.h"

namespace meshnode::crypto {
namespace {

using nlohmann::json;
using test::hex_of;
using test::text_of;

class WycheproofAead : public test::VectorFile {
 protected:
  // Runs what our door lets through: 256-bit keys, 96-bit nonces, 128-bit tags.
  void run(const char* name, Cipher cipher, int valid_min, int invalid_min) {
    load(name);
    if (IsSkipped() || HasFatalFailure()) return;
    test::for_each_test(file_, [&](const json& group, const json& test) {
      if (group.at("keySize") != 256 || group.at("ivSize") != 96 || group.at("tagSize") != 128)
        ++out_of_scope_;
      else
        check(cipher, test);
    });
    RecordProperty("valid", valid_);
    RecordProperty("invalid", invalid_);
    RecordProperty("out_of_scope", out_of_scope_);
    EXPECT_EQ(valid_ + invalid_ + out_of_scope_, file_.at("numberOfTests").get<int>());
    EXPECT_GE(valid_, valid_min);
    EXPECT_GE(invalid_, invalid_min);
  }

  void check(Cipher cipher, const json& test) {
    const Secret32 key = test::hex_secret(text_of(test, "key"));
    const auto nonce = test::hex_block<12>(text_of(test, "iv"));
    const Bytes ad = hex_of(test, "aad");
    const Bytes text = hex_of(test, "msg");
    Bytes sealed = hex_of(test, "ct");
    Writer(sealed).bytes(hex_of(test, "tag"));
    if (text_of(test, "result") == "valid") {
      ++valid_;
      EXPECT_EQ(seal(cipher, key, nonce, ad, text), sealed);
      EXPECT_EQ(open(cipher, key, nonce, ad, sealed), text);
      if (ipsec_mb_has(cipher)) {
        EXPECT_EQ(ipsec_mb_seal(key, nonce, ad, text), sealed);
        EXPECT_EQ(ipsec_mb_open(key, nonce, ad, sealed), text);
      }
    } else {
      ++invalid_;
      EXPECT_FALSE(open(cipher, key, nonce, ad, sealed));
      if (ipsec_mb_has(cipher)) {
        EXPECT_FALSE(ipsec_mb_open(key, nonce, ad, sealed));
      }
    }
  }

  static bool ipsec_mb_has(Cipher cipher) {
    return cipher == Cipher::aes_256_gcm && ipsec_mb_rung().active;
  }

  int valid_ = 0;
  int invalid_ = 0;
  int out_of_scope_ = 0;
};

TEST_F(WycheproofAead, Aes256Gcm) {
  run("wycheproof_aes_gcm_test.json", Cipher::aes_256_gcm, 39, 27);
}

TEST_F(WycheproofAead, ChaCha20Poly1305) {
  run("wycheproof_chacha20_poly1305_test.json", Cipher::chacha20_poly1305, 256, 60);
}

}  // namespace
}  // namespace meshnode::crypto
