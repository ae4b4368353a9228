// node/state_dir: what is remembered, the lock, and every kind of damage.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "node/state_dir.h"
#include "support/temp_dir.h"
#include "tests/support/seeded_random.h"

namespace meshnode::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

StoredNetwork some_network() {
  test::SeededRandom random(7);
  StoredNetwork out;
  out.secret.seed = random.block<16>();
  out.secret.generation = 3;
  out.secret.secret = random.secret<32>();
  out.made_here = true;
  out.seed_check = random.block<32>();
  return out;
}

crypto::Ed25519Seed some_seed() {
  return test::SeededRandom(8).secret<32>();
}

// ---- records

TEST(Record, IdentityIsGolden) {
  Block<32> raw{};
  raw[0] = 0xab;
  EXPECT_EQ(
      encode_identity(crypto::Ed25519Seed(raw)),
      "{\n  \"format\": \"meshnode identity\",\n  \"version\": 1,\n  \"content\": {\n"
      "    \"signing_seed\": "
      "\"ab00000000000000000000000000000000000000000000000000000000000000\"\n  },\n"
      "  \"checksum\": \"08de510d38681af2914c35e788f684483712c9bc4bc512a29178ea6f6a1e70f1\"\n}\n");
}

TEST(Record, RoundTrips) {
  EXPECT_EQ(decode_identity(encode_identity(some_seed())).value, some_seed());
  EXPECT_EQ(decode_network(encode_network(some_network())).value, some_network());
  StoredNetwork plain = some_network();
  plain.seed_check.reset();
  plain.made_here = false;
  plain.had_second_member = true;
  EXPECT_EQ(decode_network(encode_network(plain)).value, plain);
  const StoredCounters counters{41234, 18446744073709551615ULL};
  EXPECT_EQ(decode_counters(encode_counters(counters)).value, counters);
}

// One kind of file for the damage matrix.
struct Kind {
  const char* name;
  std::string good;
  // Whether the text is accepted, and (if so) whether it still means the same.
  std::function<Condition(const std::string&)> condition;
  std::function<bool(const std::string&)> same;
};

std::vector<Kind> kinds() {
  const StoredCounters counters{41234, 1700000000000};
  return {
      {"identity", encode_identity(some_seed()),
       [](const std::string& text) { return decode_identity(text).condition; },
       [](const std::string& text) { return decode_identity(text).value == some_seed(); }},
      {"network", encode_network(some_network()),
       [](const std::string& text) { return decode_network(text).condition; },
       [](const std::string& text) { return decode_network(text).value == some_network(); }},
      {"state", encode_counters(counters),
       [](const std::string& text) { return decode_counters(text).condition; },
       [=](const std::string& text) { return decode_counters(text).value == counters; }},
  };
}

TEST(Damage, TruncatedAtEachLengthIsFound) {
  for (const Kind& kind : kinds())
    for (std::size_t size = 0; size + 1 < kind.good.size(); ++size)  // the last one is a newline
      EXPECT_EQ(kind.condition(kind.good.substr(0, size)), Condition::damaged)
          << kind.name << " " << size;
}

TEST(Damage, EachFlippedBitIsFoundOrChangesNothing) {
  for (const Kind& kind : kinds())
    for (std::size_t at = 0; at < kind.good.size(); ++at)
      for (unsigned bit = 0; bit < 8; ++bit) {
        std::string text = kind.good;
        text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << bit));
        const Condition condition = kind.condition(text);
        ASSERT_NE(condition, Condition::newer) << kind.name << " " << at;
        if (condition == Condition::good) {
          ASSERT_TRUE(kind.same(text)) << kind.name << " " << at << ": " << text;
        }
      }
}

TEST(Damage, EachByteReplacedByZeroIsFound) {
  for (const Kind& kind : kinds())
    for (std::size_t at = 0; at + 1 < kind.good.size(); ++at) {
      std::string text = kind.good;
      text[at] = '\0';
      EXPECT_EQ(kind.condition(text), Condition::damaged) << kind.name << " " << at;
    }
}

TEST(Damage, FilesOfAnotherKindAreRefused) {
  for (const Kind& reader : kinds())
    for (const Kind& writer : kinds())
      EXPECT_EQ(reader.condition(writer.good) == Condition::good, reader.good == writer.good);
}

TEST(Damage, WhatIsNoRecordIsDamage) {
  for (const Kind& kind : kinds())
    for (const char* text : {"", "\n", "{}", "[]", "null", "7", "\"x\"", "\xff\xfe",
                             R"({"checksum":7})", R"({"checksum":""})"})
      EXPECT_EQ(kind.condition(text), Condition::damaged) << kind.name << " " << text;
}

// Whoever writes a right checksum over wrong content (a bug, a hand) must not get through either.
std::string sealed(const std::string& format, int version, const std::string& content) {
  const std::string body = R"({"format":")" + format + R"(","version":)" + std::to_string(version) +
                           R"(,"content":)" + content + "}";
  const auto checksum = crypto::sha256({as_bytes("meshnode state file"), as_bytes(body)});
  return body.substr(0, body.size() - 1) + R"(,"checksum":")" + to_hex(checksum) + "\"}";
}

TEST(Damage, WrongTypesAndMissingFieldsAreFound) {
  const std::string hex32(64, '1'), hex16(32, '2');
  const auto network = [&](const std::string& seed, const std::string& generation,
                           const std::string& made) {
    return sealed("meshnode network", 1,
                  R"({"seed":)" + seed + R"(,"generation":)" + generation + R"(,"secret":")" +
                      hex32 + R"(","made_here":)" + made +
                      R"(,"had_second_member":false,"seed_check":null})");
  };
  const std::string seed = "\"" + hex16 + "\"";
  EXPECT_EQ(decode_network(network(seed, "1", "true")).condition, Condition::good);
  for (const auto& text :
       {network("7", "1", "true"), network("\"" + hex32 + "\"", "1", "true"),
        network("\"zz\"", "1", "true"), network(seed, "0", "true"), network(seed, "-1", "true"),
        network(seed, "1.0", "true"), network(seed, "4294967296", "true"),
        network(seed, "\"1\"", "true"), network(seed, "1", "1"), network(seed, "1", "null"),
        sealed("meshnode network", 1, "{}"), sealed("meshnode network", 1, "null"),
        sealed("meshnode network", 0, "{}")})
    EXPECT_EQ(decode_network(text).condition, Condition::damaged) << text;
  const auto state = [](const std::string& content) {
    return decode_counters(sealed("meshnode state", 1, content)).condition;
  };
  EXPECT_EQ(state(R"({"port":1,"next_number":2})"), Condition::good);
  EXPECT_EQ(state(R"({"port":65536,"next_number":2})"), Condition::damaged);
  EXPECT_EQ(state(R"({"port":1})"), Condition::damaged);
  EXPECT_EQ(state(R"({"port":1,"next_number":-2})"), Condition::damaged);
}

TEST(Damage, ANewerVersionIsNoDamage) {
  const auto decoded = decode_network(sealed("meshnode network", 2, R"({"all":"different"})"));
  EXPECT_EQ(decoded.condition, Condition::newer);
  EXPECT_EQ(decoded.version, 2U);
}

// ---- the folder

class State : public testing::Test {
 public:
  State() { path_ = folder_ + "/lib/mesh0"; }

 protected:
  void start() {
    state_.reset();
    auto opened = lock_state_dir(path_);
    ASSERT_TRUE(opened) << opened.error().message;
    state_ = std::move(*opened);
  }
  void put(const std::string& name, const std::string& content) {
    std::ofstream(path_ + "/" + name, std::ios::binary) << content;
  }
  std::string content(const std::string& name) const {
    std::ifstream file(path_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      out.push_back(entry.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }
  mode_t mode_of(const std::string& path) const {
    struct stat about {};
    EXPECT_EQ(::stat(path.c_str(), &about), 0);
    return about.st_mode & 07777U;
  }

  test::TempDir temp_;
  const std::string folder_ = temp_.path();
  std::string path_;
  std::unique_ptr<StateDir> state_;
  test::SeededRandom random_{3};
};

TEST_F(State, IsPrivate) {
  start();
  state_->identity(random_).value();
  EXPECT_EQ(mode_of(path_), 0700U);
  EXPECT_EQ(mode_of(path_ + "/identity"), 0600U);
  EXPECT_EQ(mode_of(path_ + "/lock"), 0600U);
}

TEST_F(State, IdentityStays) {
  start();
  const auto first = state_->identity(random_);
  ASSERT_TRUE(first);
  start();
  EXPECT_EQ(*state_->identity(random_), *first);
  EXPECT_THAT(state_->take_notices(), IsEmpty());
}

TEST_F(State, DamagedIdentityIsKeptAndSaidLoudly) {
  start();
  const auto first = state_->identity(random_);
  const std::string half = content("identity").substr(0, 100);
  put("identity", half);
  start();
  const auto second = state_->identity(random_);
  ASSERT_TRUE(second);
  EXPECT_FALSE(*second == *first);
  EXPECT_EQ(content("identity.damaged-1"), half);
  EXPECT_THAT(
      state_->take_notices(),
      ElementsAre(path_ + "/identity was damaged and is kept as " + path_ +
                  "/identity.damaged-1: this node starts with a NEW identity, and so with another "
                  "address; the others will see it as another node (if you have a backup of the "
                  "file, stop, put it back and start again)"));
  start();
  EXPECT_EQ(*state_->identity(random_), *second);
}

TEST_F(State, FilesOfANewerMeshnodeStayUntouched) {
  start();
  const std::string newer = sealed("meshnode identity", 2, "{}");
  put("identity", newer);
  const auto refused = state_->identity(random_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_code(), 1);
  EXPECT_EQ(refused.error().message,
            path_ +
                "/identity was written by a newer meshnode (version 2): use that one, or another "
                "folder with --state-dir");
  EXPECT_EQ(content("identity"), newer);
  put("network", sealed("meshnode network", 3, "{}"));
  EXPECT_THAT(state_->load_network().error().message, HasSubstr("newer meshnode (version 3)"));
  put("state", sealed("meshnode state", 3, "{}"));
  EXPECT_FALSE(state_->port());
  EXPECT_FALSE(state_->store_port(7));
  EXPECT_FALSE(state_->reserve_numbers(UnixTime{1}, 1));
  EXPECT_THAT(names(), ElementsAre("identity", "lock", "network", "state"));
}

TEST_F(State, NetworkStays) {
  start();
  EXPECT_EQ(state_->load_network()->condition, NetworkFile::Condition::missing);
  ASSERT_TRUE(state_->store_network(some_network()));
  start();
  EXPECT_EQ(state_->load_network()->network, some_network());
  ASSERT_TRUE(state_->note_second_member());
  ASSERT_TRUE(state_->note_second_member());
  start();
  EXPECT_TRUE(state_->load_network()->network.had_second_member);
}

TEST_F(State, ADamagedNetworkStaysInPlaceUntilAnotherIsStored) {
  start();
  put("network", "");  // what a power loss makes of it
  for (int looks = 0; looks < 2; ++looks)
    EXPECT_EQ(state_->load_network()->condition, NetworkFile::Condition::damaged);
  EXPECT_THAT(names(), ElementsAre("lock", "network"));
  ASSERT_TRUE(state_->store_network(some_network()));
  EXPECT_THAT(names(), ElementsAre("lock", "network", "network.damaged-1"));
  ASSERT_TRUE(state_->store_network(some_network()));
  EXPECT_THAT(names(), ElementsAre("lock", "network", "network.damaged-1"));
}

TEST_F(State, PortStays) {
  start();
  EXPECT_EQ(*state_->port(), std::nullopt);
  ASSERT_TRUE(state_->store_port(41234));
  start();
  EXPECT_EQ(*state_->port(), 41234);
}

TEST_F(State, NumbersNeverComeTwice) {
  start();
  EXPECT_EQ(*state_->reserve_numbers(UnixTime{1000}, 64), 1000U);
  EXPECT_EQ(*state_->reserve_numbers(UnixTime{1001}, 64), 1064U) << "the reserved ones are gone";
  start();
  EXPECT_EQ(*state_->reserve_numbers(UnixTime{5}, 64), 1128U) << "the clock jumped back";
  EXPECT_EQ(*state_->reserve_numbers(UnixTime{-5}, 64), 1192U) << "before 1970";
  start();
  EXPECT_EQ(*state_->reserve_numbers(UnixTime{9000}, 1), 9000U);
  ASSERT_TRUE(state_->store_port(7));
  start();
  EXPECT_EQ(*state_->reserve_numbers(UnixTime{0}, 1), 9001U) << "the port did not cost them";
}

TEST_F(State, NumbersAreOnDiskBeforeTheyAreHandedOut) {
  start();
  std::filesystem::create_directories(path_ + "/state.new/full");  // no write can succeed
  EXPECT_FALSE(state_->reserve_numbers(UnixTime{1000}, 64));
  std::filesystem::remove_all(path_ + "/state.new");
  EXPECT_EQ(*state_->reserve_numbers(UnixTime{1000}, 64), 1000U);
}

TEST_F(State, NumbersDoNotWrapAround) {
  start();
  put("state", encode_counters({1, 18446744073709551600ULL}));
  EXPECT_EQ(*state_->reserve_numbers(UnixTime{1}, 10), 18446744073709551600ULL);
  EXPECT_FALSE(state_->reserve_numbers(UnixTime{1}, 10));
}

TEST_F(State, DamagedCountersAreKeptAndSaid) {
  start();
  put("state", "half");
  EXPECT_EQ(*state_->reserve_numbers(UnixTime{1000}, 1), 1000U);
  EXPECT_EQ(content("state.damaged-1"), "half");
  EXPECT_THAT(state_->take_notices(),
              ElementsAre(path_ + "/state was damaged and is kept as " + path_ +
                          "/state.damaged-1: the port and the handshake numbers are chosen anew"));
}

TEST_F(State, ASecondStartNamesThePid) {
  start();
  const auto second = lock_state_dir(path_);
  ASSERT_FALSE(second) << "not even from the same process";
  int ready[2], leave[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(leave), 0);
  state_.reset();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = lock_state_dir(path_);
    char byte = held ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(2);
    ::close(leave[1]);
    const auto woken = ::read(leave[0], &byte, 1);
    ::_exit(woken == 0 && held ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  const auto refused = lock_state_dir(path_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_code(), 1);
  EXPECT_EQ(refused.error().message,
            "a meshnode (pid " + std::to_string(child) + ") already runs with " + path_ +
                ": stop it, or run a second network beside it with another --interface");
  for (const int fd : {ready[0], ready[1], leave[0], leave[1]}) ::close(fd);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  start();  // the lock went with its owner
}

// As a worker whose monitor was killed: it ends a little later.
TEST_F(State, ALockThatIsAboutToGoIsWaitedFor) {
  start();
  state_.reset();
  const pid_t monitor = ::fork();
  if (monitor == 0) ::_exit(0);
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(monitor), &ended, WEXITED | WNOWAIT), 0);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t worker = ::fork();
  if (worker == 0) {
    const auto held = lock_state_dir(path_, monitor);
    const char byte = held ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(2);
    ::poll(nullptr, 0, 100);
    ::_exit(0);
  }
  char byte = 0;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_TRUE(lock_state_dir(path_)) << "nobody has waited for the monitor yet";
  for (const int fd : {ready[0], ready[1]}) ::close(fd);
  for (const pid_t each : {monitor, worker}) ::waitpid(each, nullptr, 0);
}

TEST_F(State, ALockOfADeadProcessIsNone) {
  std::filesystem::create_directories(path_);
  put("lock", "1\n");
  start();
  EXPECT_EQ(content("lock"), std::to_string(::getpid()) + "\n");
}

TEST_F(State, ImpossibleFoldersAreSentences) {
  EXPECT_EQ(lock_state_dir("").error().exit_code(), 2);
  const auto missing = lock_state_dir(folder_ + "/a/b/c").error();
  EXPECT_EQ(missing.exit_code(), 2);
  EXPECT_EQ(missing.message,
            "cannot make the folder " + folder_ + "/a/b: No such file or directory");
  std::ofstream(folder_ + "/file") << "x";
  const auto file = lock_state_dir(folder_ + "/file").error();
  EXPECT_EQ(file.exit_code(), 2);
  EXPECT_EQ(file.message, folder_ + "/file is no folder: choose another one with --state-dir");
  EXPECT_EQ(lock_state_dir(folder_ + "/file/x").error().exit_code(), 2);
}

}  // namespace
}  // namespace meshnode::node
