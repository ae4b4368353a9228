#include "crypto/hash.h"
#include "tests/vectors/vector_file.h"

namespace meshnode::crypto {
namespace {

using nlohmann::json;
using test::hex_of;
using test::text_of;

class WycheproofHkdf : public test::VectorFile {
 protected:
  void SetUp() override { load("wycheproof_hkdf_sha256_test.json"); }
};

TEST_F(WycheproofHkdf, Sha256) {
  int valid = 0, invalid = 0;
  test::for_each_test(file_, [&](const json&, const json& test) {
    if (text_of(test, "result") != "valid") {
      // The only invalid ones: more output than RFC 5869 §2.3 allows. For us a bug of the caller,
      // which tests/unit shows to be caught.
      EXPECT_GT(test.at("size").get<std::size_t>(), 255U * 32);
      ++invalid;
      return;
    }
    Bytes out(test.at("size").get<std::size_t>());
    hkdf_sha256(hex_of(test, "salt"), hex_of(test, "ikm"), hex_of(test, "info"), out);
    EXPECT_EQ(to_hex(out), text_of(test, "okm"));
    ++valid;
  });
  EXPECT_GE(valid, 83);
  EXPECT_LE(invalid, 3);
}

}  // namespace
}  // namespace meshnode::crypto
