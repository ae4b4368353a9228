// What a node remembers of the others: the file, whole, damaged, or of another network.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/state_dir.h"
#include "support/temp_dir.h"

namespace meshnode::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

StoredMembers sample() {
  overlay::RememberedMember full;
  full.id.bytes.fill(1);
  full.static_key.fill(2);
  full.record = {1, 2, 3};
  full.endpoint = Endpoint::parse("[2001:db8::1]:4000");
  full.claims = {*IpAddress::parse("10.77.0.1"), *IpAddress::parse("10.77.0.2")};
  full.seen_ms = 1'760'000'000'123;
  overlay::RememberedMember bare;
  bare.id.bytes.fill(3);
  return {"7f3a-91c2", {full, bare}};
}

class Members : public testing::Test {
 protected:
  std::unique_ptr<StateDir> open() {
    auto dir = lock_state_dir(temp_.path() + "/state");
    EXPECT_TRUE(dir);
    return std::move(dir).value();
  }
  std::string path() const { return temp_.path() + "/state/members"; }

  test::TempDir temp_;
};

TEST(MembersRecord, RoundTrip) {
  EXPECT_EQ(decode_members(encode_members(sample())).value, sample());
  EXPECT_EQ(decode_members(encode_members({"x", {}})).value, (StoredMembers{"x", {}}));
}

TEST(MembersRecord, EveryChangedByteIsNoticed) {
  const std::string good = encode_members(sample());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] ^= 1;
    const auto decoded = decode_members(changed);
    EXPECT_TRUE(decoded.condition != Condition::good || decoded.value == sample()) << at;
  }
  for (std::size_t size = 0; size + 1 < good.size(); ++size)
    EXPECT_NE(decode_members(std::string_view(good).substr(0, size)).condition, Condition::good);
}

TEST_F(Members, AreThereInTheNextStart) {
  {
    const auto dir = open();
    EXPECT_THAT(dir->load_members("7f3a-91c2").value(), IsEmpty()) << "a first start";
    ASSERT_TRUE(dir->store_members(sample()));
  }
  EXPECT_EQ(open()->load_members("7f3a-91c2").value(), sample().members);
}

TEST_F(Members, OfAnotherNetworkAreNotOurs) {
  const auto dir = open();
  ASSERT_TRUE(dir->store_members(sample()));
  EXPECT_THAT(dir->load_members("0000-0000").value(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(path())) << "reading never destroys";
}

TEST_F(Members, DamageIsKeptAsideAndToldAndCostsNothingElse) {
  const auto dir = open();
  ASSERT_TRUE(dir->store_members(sample()));
  std::ofstream(path(), std::ios::app) << "}";
  EXPECT_THAT(dir->load_members("7f3a-91c2").value(), IsEmpty());
  EXPECT_THAT(dir->take_notices(), ElementsAre(HasSubstr("the other members are looked for anew")));
  EXPECT_TRUE(std::filesystem::exists(path() + ".damaged-1"));
  ASSERT_TRUE(dir->store_members(sample()));
  EXPECT_EQ(dir->load_members("7f3a-91c2").value(), sample().members);
}

}  // namespace
}  // namespace meshnode::node
