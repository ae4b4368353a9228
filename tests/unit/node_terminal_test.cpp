// node/terminal and node/argv: the story of the first minute, and what must not be told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "node/argv.h"
#include "node/terminal.h"

namespace meshnode::node {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(const std::vector<io::LogLine>& lines, bool addresses = true) {
  std::vector<std::string> out;
  for (const io::LogLine& line : lines) out.push_back(line.text(addresses));
  return out;
}

TEST(Story, ALogDoesNotGetTheInnerAddresses) {
  EXPECT_THAT(texts(started("mesh0", {*IpAddress::parse("fd12::1"), *IpAddress::parse("10.77.0.1")},
                            "7f3a-91c2", nullptr),
                    false),
              ElementsAre("mesh0 is up: [address], [address]",
                          "network 7f3a-91c2, waiting for its other members"));
}

TEST(Story, StartedTellsHowToJoin) {
  const control::JoinLine join{"sudo meshnode --lan-only --key @-", "mesh1abc"};
  const std::vector<IpAddress> addresses{*IpAddress::parse("fd12::1"),
                                         *IpAddress::parse("10.77.0.1")};
  EXPECT_THAT(texts(started("mesh0", addresses, "7f3a-91c2", &join)),
              ElementsAre("mesh0 is up: fd12::1, 10.77.0.1",
                          "network 7f3a-91c2, waiting for its other members",
                          "on the other machine run:       sudo meshnode --lan-only --key @-",
                          "and paste where it asks for it: mesh1abc"));
}

TEST(Story, WithoutAJoinLineThereIsNoSecretInIt) {
  EXPECT_THAT(
      texts(started("mesh0", {*IpAddress::parse("fd12::1")}, "7f3a-91c2", nullptr)),
      ElementsAre("mesh0 is up: fd12::1", "network 7f3a-91c2, waiting for its other members"));
}

TEST(Story, ConnectedIsOneLine) {
  EXPECT_EQ(connected("beta", milliseconds(312), std::chrono::microseconds(412)).text(),
            "beta connected directly in 0.31 s (0.4 ms)");
  EXPECT_EQ(connected("beta", seconds(2), Duration::zero()).text(),
            "beta connected directly in 2.00 s");
  EXPECT_EQ(connected("\033[2Jx\ny", seconds(1), milliseconds(20)).text(),
            "?[2Jx?y connected directly in 1.00 s (20.0 ms)");
}

TEST(Story, AloneAsksForTheFingerprint) {
  EXPECT_EQ(alone("7f3a-91c2"),
            "nobody else in this network yet: same fingerprint 7f3a-91c2 there?");
}

TEST(Story, JoinLineHasTheTokenBesideTheCommand) {
  overlay::NetworkSecret network;
  Config config;
  EXPECT_EQ(join_line(config, network).command, "sudo meshnode --key @-");
  config.bootstraps = {{"hub.example.org", 3731}, {"2001:db8::1", 1}};
  EXPECT_EQ(join_line(config, network).command,
            "sudo meshnode --bootstrap hub.example.org:3731 --bootstrap [2001:db8::1]:1 --key @-");
  config.bootstraps.clear();
  config.lan_only = true;
  EXPECT_EQ(join_line(config, network).command, "sudo meshnode --lan-only --key @-");
  EXPECT_EQ(join_line(config, network).token, overlay::to_token(network));
  config.lan_port = 4000;
  EXPECT_EQ(join_line(config, network).command, "sudo meshnode --lan-only --lan-port 4000 --key @-")
      << "who listens elsewhere would never be heard";
}

TEST(Story, TheHubAndTheNat) {
  using wire::NatMapping;
  EXPECT_EQ(hub_up(milliseconds(12), NatMapping::endpoint_independent),
            "hub up, 12 ms; your NAT: endpoint-independent mapping");
  EXPECT_EQ(hub_up(std::chrono::microseconds(340), NatMapping::none),
            "hub up, 0.3 ms; no NAT here");
  EXPECT_EQ(hub_up(milliseconds(12), NatMapping::dependent),
            "hub up, 12 ms; your NAT: mapping depends on the destination (symmetric)");
  EXPECT_EQ(hub_up(std::nullopt, NatMapping::unknown), "hub up");
}

TEST(Story, EachProblemIsALineOfItsOwn) {
  EXPECT_EQ(complaint("meshnode", Error::usage("a\nb\033")), "meshnode: a\nmeshnode: b?\n");
}

TEST(Story, APipeIsNoTerminal) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_FALSE(is_terminal(ends[1]));
  ::close(ends[0]);
  ::close(ends[1]);
}

std::vector<std::string> wiped(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size());
  for (std::string& argument : arguments) argv.push_back(argument.data());
  wipe_secrets(static_cast<int>(argv.size()), argv.data());
  return arguments;
}

TEST(Argv, SecretsAreOverwrittenInPlace) {
  EXPECT_THAT(wiped({"meshnode", "--key", "mesh1abc", "--name", "a"}),
              ElementsAre("meshnode", "--key", "********", "--name", "a"));
  EXPECT_THAT(wiped({"meshnode", "--key=mesh1abc", "--seed=a b", "--seed", "c"}),
              ElementsAre("meshnode", "--key=********", "--seed=***", "--seed", "*"));
  EXPECT_THAT(wiped({"meshnode", "--seed", "@file"}), ElementsAre("meshnode", "--seed", "*****"));
}

TEST(Argv, FileNamesStay) {
  EXPECT_THAT(wiped({"meshnode", "--key", "@-", "--key=@/etc/key"}),
              ElementsAre("meshnode", "--key", "@-", "--key=@/etc/key"));
}

TEST(Argv, ATokenBehindATypingErrorIsOverwrittenToo) {
  const std::string token = overlay::to_token({});
  EXPECT_THAT(wiped({"meshnode", "--kye", token, "--kex=" + token, "--interface", "mesh1"}),
              ElementsAre("meshnode", "--kye", std::string(95, '*'),
                          "--kex=" + std::string(95, '*'), "--interface", "mesh1"));
}

TEST(Argv, NothingBehindTheOptionIsNoHarm) {
  EXPECT_THAT(wiped({"meshnode", "--key"}), ElementsAre("meshnode", "--key"));
  EXPECT_THAT(wiped({}), ElementsAre());
}

}  // namespace
}  // namespace meshnode::node
