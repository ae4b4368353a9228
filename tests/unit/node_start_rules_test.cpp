// node/start_rules: which network a start belongs to, as a table, and carried out on a real folder.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/start_rules_settle.h"
#include "support/temp_dir.h"
#include "tests/support/seeded_random.h"

namespace meshnode::node {
namespace {

using overlay::NetworkSecret;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Condition = NetworkFile::Condition;

NetworkSecret network(std::uint8_t seed, std::uint32_t generation = 1, std::uint8_t secret = 1) {
  NetworkSecret out;
  out.seed.fill(seed);
  out.generation = generation;
  Block<32> raw;
  raw.fill(secret);
  out.secret = Secret32(raw);
  return out;
}

NetworkFile stored(const NetworkSecret& secret, bool made_here, bool had_second_member) {
  return {Condition::good, {secret, made_here, had_second_member, std::nullopt}};
}

const NetworkFile kMissing;
const NetworkFile kDamaged{Condition::damaged, {}};

StartDecision decide(std::optional<NetworkSecret> given, const NetworkFile& file) {
  return decide_network({std::move(given), file, "mesh0", "/state/network"});
}

TEST(StartRules, Table) {
  const NetworkSecret a = network(1);
  const NetworkSecret b = network(2);
  struct Row {
    const char* what;
    std::optional<NetworkSecret> given;
    NetworkFile file;
    StartOutcome outcome;
  };
  const Row rows[] = {
      {"first start", {}, kMissing, StartOutcome::made},
      {"first start with a key", a, kMissing, StartOutcome::use_given},
      {"later start", {}, stored(a, true, false), StartOutcome::use_stored},
      {"later start of a guest", {}, stored(a, false, true), StartOutcome::use_stored},
      {"the same key again", a, stored(a, false, true), StartOutcome::use_stored},
      {"the same key, made here", a, stored(a, true, false), StartOutcome::use_stored},
      {"a key after trying alone", b, stored(a, true, false), StartOutcome::replaced_kept_aside},
      {"made here, but others joined", b, stored(a, true, true), StartOutcome::refused},
      {"joined, met nobody yet", b, stored(a, false, false), StartOutcome::refused},
      {"joined", b, stored(a, false, true), StartOutcome::refused},
      {"newer generation", network(1, 2, 9), stored(a, false, true), StartOutcome::rotated},
      {"newer generation, alone", network(1, 2, 9), stored(a, true, false), StartOutcome::rotated},
      {"older generation", a, stored(network(1, 2, 9), true, false), StartOutcome::refused},
      {"forged generation", network(1, 1, 9), stored(a, true, false), StartOutcome::refused},
      {"damaged", {}, kDamaged, StartOutcome::refused},
      {"damaged, key at hand", a, kDamaged, StartOutcome::use_given},
  };
  for (const Row& row : rows) {
    const auto decision = decide(row.given, row.file);
    EXPECT_EQ(decision.outcome, row.outcome) << row.what;
    EXPECT_EQ(decision.refusal.message.empty(), row.outcome != StartOutcome::refused) << row.what;
  }
}

TEST(StartRules, SentencesAreGolden) {
  const std::string a = network(1).fingerprint();
  const std::string b = network(2).fingerprint();
  const auto replaced = decide(network(2), stored(network(1), true, false));
  EXPECT_EQ(replaced.line,
            "network " + a + " was made here and nobody ever joined it: replaced by network " + b);
  const auto rotated = decide(network(1, 3), stored(network(1), true, false));
  EXPECT_EQ(rotated.line, "network " + a + " goes on with key generation 3 instead of 1");

  const auto other = decide(network(2), stored(network(1), true, true)).refusal;
  EXPECT_EQ(other.exit_code(), 2);
  EXPECT_EQ(other.message, "this node is a member of network " + a +
                               ", and the given key is for network " + b +
                               ": leave the key out to stay, or run the second network beside the "
                               "first with --interface mesh1");
  const auto older = decide(network(1), stored(network(1, 2), true, true)).refusal;
  EXPECT_EQ(older.exit_code(), 2);
  EXPECT_EQ(older.message,
            "the given key is generation 1 of network " + a +
                ", which has been replaced by generation 2: leave it out, or give the newest one "
                "(meshctl join-line)");
  const auto damaged = decide({}, kDamaged).refusal;
  EXPECT_EQ(damaged.exit_code(), 1);
  EXPECT_EQ(damaged.message,
            "/state/network is damaged: give this network's key with --key (another member tells "
            "it: meshctl join-line), or move the file away to begin with a new network");
}

TEST(StartRules, NextInterface) {
  EXPECT_EQ(next_interface("mesh0"), "mesh1");
  EXPECT_EQ(next_interface("mesh9"), "mesh10");
  EXPECT_EQ(next_interface("home"), "home1");
  EXPECT_EQ(next_interface("7"), "8");
  EXPECT_EQ(next_interface("abcdefghijklmno"), "abcdefghijklmn1");
  EXPECT_EQ(next_interface("x99999999999999").size(), 15U - 13U) << "no number that we can count";
}

class Settle : public testing::Test {
 public:
  Settle() { again(); }

 protected:
  // As after a restart.
  void again() {
    state_.reset();
    auto opened = lock_state_dir(folder_);
    if (!opened) std::abort();
    state_ = std::move(*opened);
  }
  Result<SettledNetwork> settle() { return settle_network(config_, *state_, random_); }
  StoredNetwork on_disk() { return state_->load_network().value().network; }

  test::TempDir temp_;
  const std::string folder_ = temp_.path();
  std::unique_ptr<StateDir> state_;
  test::SeededRandom random_{1};
  Config config_;
};

TEST_F(Settle, MakesANetworkOnceAndKeepsIt) {
  const auto first = settle();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->outcome, StartOutcome::made);
  EXPECT_THAT(first->notices,
              ElementsAre("made a new network, fingerprint " + first->secret.fingerprint()));
  again();
  const auto second = settle();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->outcome, StartOutcome::use_stored);
  EXPECT_EQ(second->secret, first->secret);
  EXPECT_THAT(second->notices, IsEmpty());
  EXPECT_TRUE(on_disk().made_here);
  EXPECT_FALSE(on_disk().had_second_member);
}

TEST_F(Settle, AGivenKeyIsStored) {
  config_.key = network(2);
  EXPECT_EQ(settle()->outcome, StartOutcome::use_given);
  again();
  config_.key.reset();
  EXPECT_EQ(settle()->secret, network(2));
  EXPECT_FALSE(on_disk().made_here);
}

TEST_F(Settle, ALonelyNetworkIsReplacedAndKept) {
  const auto made = settle();
  const std::string before = std::filesystem::exists(state_->network_path()) ? "there" : "missing";
  EXPECT_EQ(before, "there");
  again();
  config_.key = network(2);
  const auto replaced = settle();
  ASSERT_TRUE(replaced);
  EXPECT_THAT(replaced->notices,
              ElementsAre("network " + made->secret.fingerprint() +
                          " was made here and nobody ever joined it: replaced by network " +
                          network(2).fingerprint() + " (the old one is kept as " + folder_ +
                          "/network.replaced-1)"));
  EXPECT_EQ(on_disk(), (StoredNetwork{network(2), false, false, std::nullopt}));
  std::ifstream kept(folder_ + "/network.replaced-1");
  const std::string text{std::istreambuf_iterator<char>(kept), {}};
  EXPECT_EQ(decode_network(text).value.secret, made->secret);
}

TEST_F(Settle, ANetworkWithASecondMemberIsNot) {
  const auto made = settle();
  ASSERT_TRUE(state_->note_second_member());
  again();
  config_.key = network(2);
  const auto refused = settle();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_code(), 2);
  EXPECT_THAT(refused.error().message, HasSubstr(made->secret.fingerprint()));
  EXPECT_THAT(refused.error().message, HasSubstr(network(2).fingerprint()));
  EXPECT_EQ(on_disk().secret, made->secret);
}

TEST_F(Settle, RotationKeepsTheRest) {
  settle().value();
  ASSERT_TRUE(state_->note_second_member());
  NetworkSecret newer = on_disk().secret;
  newer.generation = 2;
  newer.secret = network(0, 1, 77).secret;
  config_.key = newer;
  again();
  EXPECT_EQ(settle()->outcome, StartOutcome::rotated);
  EXPECT_EQ(on_disk(), (StoredNetwork{newer, true, true, std::nullopt}));
}

TEST_F(Settle, ASeedIsStretchedOnce) {
  config_.seed = "the quick brown fox";
  const auto first = settle();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->outcome, StartOutcome::use_given);
  again();

  // The stored secret answers for the text: with another secret on disk, that one is in effect,
  // which Argon2id would never give.
  StoredNetwork planted{network(9), false, true, seed_check(network(9), *config_.seed)};
  ASSERT_TRUE(state_->store_network(planted));
  const auto second = settle();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->outcome, StartOutcome::use_stored);
  EXPECT_EQ(second->secret, network(9));
}

TEST_F(Settle, ASeedThatCameAsAKeyIsRememberedToo) {
  config_.seed = "the quick brown fox";
  const NetworkSecret secret = settle()->secret;
  ASSERT_TRUE(state_->store_network({secret, false, false, std::nullopt}));
  again();
  EXPECT_EQ(settle()->outcome, StartOutcome::use_stored);
  EXPECT_EQ(on_disk().seed_check, seed_check(secret, *config_.seed));
}

TEST_F(Settle, AnotherSeedIsAnotherNetwork) {
  config_.seed = "the quick brown fox";
  settle().value();
  again();
  config_.seed = "the slow brown fox";
  const auto refused = settle();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_code(), 2);
}

TEST_F(Settle, ADamagedNetworkIsNeverReplacedByANewOne) {
  settle().value();
  std::ofstream(state_->network_path()) << "{}";
  for (int starts = 0; starts < 2; ++starts) {
    again();
    const auto refused = settle();
    ASSERT_FALSE(refused) << "not on a second try either";
    EXPECT_EQ(refused.error().exit_code(), 1);
    EXPECT_THAT(refused.error().message, HasSubstr("/network is damaged: give this network's key"));
  }
  config_.key = network(2);
  EXPECT_EQ(settle()->outcome, StartOutcome::use_given);
  EXPECT_THAT(state_->take_notices(),
              ElementsAre(folder_ + "/network was damaged and is kept as " + folder_ +
                          "/network.damaged-1: the given key takes its place"));
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/network.damaged-1"));
}

}  // namespace
}  // namespace meshnode::node
