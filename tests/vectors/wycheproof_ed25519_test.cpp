#include "crypto/suite.h"
#include "tests/vectors/vector_file.h"

namespace meshnode::crypto {
namespace {

using nlohmann::json;
using test::hex_of;
using test::text_of;

class WycheproofEd25519 : public test::VectorFile {
 protected:
  void SetUp() override { load("wycheproof_ed25519_test.json"); }
};

TEST_F(WycheproofEd25519, Verify) {
  int valid = 0, invalid = 0;
  test::for_each_test(file_, [&](const json& group, const json& test) {
    const auto key = test::hex_block<32>(text_of(group.at("publicKey"), "pk"));
    const bool expected = text_of(test, "result") == "valid";
    ++(expected ? valid : invalid);
    EXPECT_EQ(real_suite().verify(key, hex_of(test, "msg"), hex_of(test, "sig")), expected);
  });
  EXPECT_GE(valid, 88);
  EXPECT_GE(invalid, 63);
}

}  // namespace
}  // namespace meshnode::crypto
