#include <algorithm>

#include <gtest/gtest.h>

#include "names/table.h"

namespace meshnode::names {
namespace {

NodeId id(std::uint8_t first, std::uint8_t last = 0) {
  NodeId out;
  out.bytes[0] = first;
  out.bytes[31] = last;
  return out;
}

Member member(std::uint8_t first, const std::string& name, std::uint8_t last = 0) {
  Block<16> raw{0xfd, 1, 2, 3, 4, 5, first};
  raw[15] = last;
  return {id(first, last), name, {IpAddress::v6(raw)}, false};
}

const std::string kFirst8 = id(1).to_string().substr(0, 8);

TEST(NameTable, FindsByLabelIdAndAddress) {
  const Table table({member(2, "Beta"), member(1, "Alpha One")});
  ASSERT_TRUE(table.by_label("beta"));
  EXPECT_EQ(table.by_label("beta")->id, id(2));
  EXPECT_EQ(table.by_label("alpha-one")->id, id(1));
  EXPECT_EQ(table.by_label("gamma"), nullptr);
  EXPECT_EQ(table.by_id(kFirst8)->id, id(1));
  EXPECT_EQ(table.by_id(id(1).to_string())->id, id(1));
  EXPECT_EQ(table.by_id(kFirst8.substr(0, 7)), nullptr) << "too short";
  EXPECT_EQ(table.by_id(id(1).to_string() + "a"), nullptr) << "longer than an id";
  EXPECT_EQ(table.by_id("aaaaaa!a"), nullptr);
  EXPECT_EQ(table.by_id("77777777"), nullptr);
  EXPECT_EQ(table.by_address(member(2, "").addresses[0])->id, id(2));
  EXPECT_EQ(table.name_of(*table.by_id(kFirst8)), "alpha-one.mesh");
}

TEST(NameTable, ALabelOfTwoIsNobodys) {
  const Table table({member(1, "Beta"), member(2, "beta"), member(3, "gamma"), member(4, "BETA")});
  EXPECT_EQ(table.by_label("beta"), nullptr);
  EXPECT_NE(table.by_label("gamma"), nullptr);
  const std::vector<Conflict> expected{{"beta", {id(1), id(2), id(4)}, 3}};
  EXPECT_EQ(table.conflicts(), expected);
  const Member* first = table.by_id(kFirst8);
  ASSERT_TRUE(first);
  EXPECT_EQ(table.name_of(*first), kFirst8 + ".id.mesh");
}

TEST(NameTable, IsTheSameInWhateverOrderMembersAreHeardOf) {
  std::vector<Member> members{member(1, "a"), member(2, "b"), member(3, "a"), member(4, "")};
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  const Table one(members);
  do {
    const Table other(members);
    EXPECT_EQ(other.conflicts(), one.conflicts());
    EXPECT_EQ(other.members(), one.members());
  } while (std::next_permutation(members.begin(), members.end(),
                                 [](const auto& a, const auto& b) { return a.id < b.id; }));
}

TEST(NameTable, OneThatSaidGoodbyeKeepsItsLabelUntilSomebodyElseHasIt) {
  Member before = member(1, "beta");
  before.gone = true;
  EXPECT_EQ(Table({before}).by_label("beta")->id, id(1));
  const Table both({before, member(2, "beta")});
  ASSERT_TRUE(both.by_label("beta"));
  EXPECT_EQ(both.by_label("beta")->id, id(2)) << "a machine that was set up anew";
  EXPECT_TRUE(both.conflicts().empty());
  EXPECT_EQ(both.name_of(*both.by_id(kFirst8)), kFirst8 + ".id.mesh");
  Member another = member(3, "beta");
  another.gone = true;
  EXPECT_EQ(Table({before, another}).by_label("beta"), nullptr) << "two that are gone";
  EXPECT_EQ(Table({before, another, member(2, "b")}).by_label("beta"), nullptr);
  EXPECT_EQ(Table({before, member(2, "beta"), member(4, "beta")}).by_label("beta"), nullptr);
}

TEST(NameTable, OneMemberTwiceIsNoConflict) {
  Member known = member(1, "beta");
  known.addresses.push_back(*IpAddress::parse("10.77.0.1"));
  const Table table({member(1, "beta"), known});
  ASSERT_TRUE(table.by_label("beta"));
  EXPECT_EQ(table.by_label("beta")->addresses.size(), 2U) << "what says more counts";
  EXPECT_TRUE(table.conflicts().empty());
}

TEST(NameTable, AnIdsPrefixOfTwoIsNobodysButTheWholeIdIs) {
  const Table table({member(1, "a", 1), member(1, "b", 2)});
  EXPECT_EQ(table.by_id(kFirst8), nullptr);
  EXPECT_EQ(table.by_id(id(1, 2).to_string())->name, "b");
  EXPECT_EQ(table.id_name_of(table.members()[1]), id(1, 2).to_string() + ".id.mesh");
  const Table alone({member(1, "a", 1), member(2, "b", 2)});
  EXPECT_EQ(alone.id_name_of(alone.members()[0]), kFirst8 + ".id.mesh");
}

TEST(NameTable, NoNameThatItGivesLeadsToAnother) {
  const Table table({member(1, "a", 1), member(1, "a", 2)});
  for (const Member& each : table.members())
    EXPECT_EQ(table.name_of(each), each.id.to_string() + ".id.mesh");
}

TEST(NameTable, HasMembersWithoutALabel) {
  const Table table({member(1, ""), member(2, "\xe2\x9c\x93")});
  EXPECT_TRUE(table.conflicts().empty());
  EXPECT_EQ(table.by_label(""), nullptr);
  EXPECT_EQ(table.name_of(*table.by_id(kFirst8)), kFirst8 + ".id.mesh");
}

TEST(NameTable, BoundsWhatOneMemberHas) {
  Member many = member(1, "a");
  for (std::uint8_t i = 0; i < 9; ++i) many.addresses.push_back(IpAddress::v4({10, 0, 0, i}));
  EXPECT_EQ(Table({many}).by_label("a")->addresses.size(), Table::kMaxAddresses);
  std::vector<Member> crowd;
  for (std::uint8_t i = 0; i < 100; ++i) crowd.push_back(member(i, "same"));
  const Table table(crowd);
  EXPECT_EQ(table.conflicts()[0].members.size(), Conflict::kMostShown);
  EXPECT_EQ(table.conflicts()[0].count, 100U);
}

}  // namespace
}  // namespace meshnode::names
