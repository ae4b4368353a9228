#include <gtest/gtest.h>

#include "base/text.h"
#include "crypto/passphrase.h"

namespace meshnode::crypto {
namespace {

std::string stretched(std::string_view text, std::string_view salt) {
  const auto out = stretch_passphrase(text, salt);
  return out ? to_hex(out->view()) : out.error().message;
}

// t = 3, m = 64 MiB, p = 1: the values are also those of libsodium's crypto_pwhash (Argon2id 1.3,
// opslimit 3, memlimit 64 MiB), an implementation of its own.
TEST(Passphrase, Golden) {
  EXPECT_EQ(stretched("any text", "meshnode test v1"),
            "a786a9efa6b2954fca184783584470e055c9d6a1c904d361e04669bb9ba78214"
            "a30b6b59406579921f072c251a528f4a");
  EXPECT_EQ(stretched("", "meshnode test v1"),
            "00e25b2546412b0b9c29d79151cd8936752352547717d77d3dd145df18b3e8cc"
            "32b07a622fabe9d8b558f3ef87d62986");
}

TEST(Passphrase, TextAndSaltBothCount) {
  const std::string base = stretched("any text", "meshnode test v1");
  EXPECT_NE(stretched("any texT", "meshnode test v1"), base);
  EXPECT_NE(stretched("any text", "meshnode test v2"), base);
}

}  // namespace
}  // namespace meshnode::crypto
