#include "crypto/suite.h"
#include "tests/vectors/vector_file.h"

namespace meshnode::crypto {
namespace {

using nlohmann::json;
using test::hex_block;
using test::hex_secret;
using test::text_of;

class WycheproofX25519 : public test::VectorFile {
 protected:
  void SetUp() override { load("wycheproof_x25519_test.json"); }
};

// "acceptable" leaves the choice to the implementation. Ours is RFC 7748's: points on the twist and
// non-canonical ones are computed with, an all-zero result is refused.
TEST_F(WycheproofX25519, SharedSecret) {
  int computed = 0, refused = 0;
  test::for_each_test(file_, [&](const json&, const json& test) {
    const auto expected = hex_block<32>(text_of(test, "shared"));
    Secret32 shared;
    const bool ok = real_suite().x25519(hex_secret(text_of(test, "private")),
                                        hex_block<32>(text_of(test, "public")), shared);
    EXPECT_EQ(ok, !all_zero(expected));
    EXPECT_EQ(to_hex(shared.view()), to_hex(expected));
    ++(ok ? computed : refused);
  });
  EXPECT_GE(computed, 480);
  EXPECT_GE(refused, 30);
}

}  // namespace
}  // namespace meshnode::crypto
