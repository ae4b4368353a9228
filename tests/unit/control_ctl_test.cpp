// ctl/: meshctl's tables, hints, options and exit codes.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "ctl/find_socket.h"
#include "ctl/hint.h"
#include "ctl/render.h"
#include "ctl/run.h"
#include "ctl/units.h"
#include "overlay/network.h"
#include "support/temp_dir.h"

namespace meshnode::ctl {
namespace {

using control::PeerState;
using control::PeerStatus;
using control::Snapshot;

NodeId id(std::uint8_t fill) {
  NodeId out;
  out.bytes.fill(fill);
  return out;
}

Snapshot two_peers() {
  Snapshot out;
  out.node = {id(1),
              "alpha",
              {*IpAddress::parse("fd12:3456:789a::1"), *IpAddress::parse("10.77.0.1")},
              "mesh0",
              41234,
              3725,
              "7f3a-91c2",
              {}};
  PeerStatus gamma;
  gamma.id = id(3);
  gamma.addresses = {*IpAddress::parse("fd12:3456:789a::3")};
  gamma.state = PeerState::unreachable;
  gamma.reason = "no-answer";
  gamma.reason_text = "no answer on any path";
  PeerStatus beta;
  beta.id = id(2);
  beta.name = "büro";
  beta.addresses = {*IpAddress::parse("fd12:3456:789a::2"), *IpAddress::parse("10.77.0.2")};
  beta.state = PeerState::connected;
  beta.path = control::PathStatus{control::PathKind::lan, std::nullopt,
                                  *Endpoint::parse("192.168.1.7:41234"), 0.412};
  beta.tx_bytes = 1234567;
  beta.rx_bytes = 999;
  beta.handshake_age_s = 62;
  out.peers = {gamma, beta};
  return out;
}

TEST(Render, TableIsGolden) {
  EXPECT_EQ(render_status(two_peers(), {}),
            R"(node       alpha (aeaqcaib), mesh0, UDP port 41234, up 1 h 2 min
addresses  fd12:3456:789a::1, 10.77.0.1
network    7f3a-91c2
discovery  LAN only

PEER      STATE        ADDRESS            PATH  ENDPOINT              RTT    SENT  RECEIVED      HANDSHAKE
büro      connected    10.77.0.2          lan   192.168.1.7:41234  0.4 ms  1.2 MB     999 B  1 min 2 s ago
ambqgayd  unreachable  fd12:3456:789a::3  -     -                       -     0 B       0 B              -

hint: ambqgayd: no answer on any path
)");
}

TEST(Render, AloneIsGolden) {
  Snapshot snapshot = two_peers();
  snapshot.peers.clear();
  snapshot.node.reflexive = {*Endpoint::parse("203.0.113.7:41234")};
  snapshot.discovery = {control::DiscoveryMode::dht,
                        control::DhtStatus{control::DhtState::connecting, 3},
                        {{"hub:3731", true}, {"old:3731", false}}};
  EXPECT_EQ(render_status(snapshot, {}),
            R"(node       alpha (aeaqcaib), mesh0, UDP port 41234, up 1 h 2 min
addresses  fd12:3456:789a::1, 10.77.0.1
seen as    203.0.113.7:41234
network    7f3a-91c2
discovery  LAN and DHT (connecting, 3 nodes), hub:3731 up, old:3731 down

hint: nobody else in this network yet: same fingerprint 7f3a-91c2 there?
)");
}

TEST(Render, MembersWithoutAnEdgeAreCounted) {
  Snapshot snapshot = two_peers();
  snapshot.node.known_members = 2;
  EXPECT_EQ(render_status(snapshot, {}).find("members"), std::string::npos) << "all are shown";
  snapshot.node.known_members = 812;
  EXPECT_NE(render_status(snapshot, {}).find("\nmembers    812 known; the first packet"),
            std::string::npos);
}

TEST(Render, TellsWhereNamesAreAskedForAndWhichAreNobodys) {
  Snapshot snapshot = two_peers();
  EXPECT_EQ(render_status(snapshot, {}).find("names "), std::string::npos);
  snapshot.names.server = Endpoint::parse("[fd00::1]:53");
  snapshot.names.conflicts = {"b.mesh is\033 nobody's"};
  EXPECT_NE(render_status(snapshot, {})
                .find("\nnames      NAME.mesh, asked for at [fd00::1]:53\n"
                      "names      b.mesh is? nobody's\n"),
            std::string::npos);
}

TEST(Render, TellsWhatTheKernelDoesNotDo) {
  Snapshot snapshot = two_peers();
  snapshot.data_plane.rungs = {{"a", true, ""}, {"b", true, ""}};
  EXPECT_NE(render_status(snapshot, {}).find("\ndata plane all offloads\n"), std::string::npos);
  snapshot.data_plane.threads = 1;
  EXPECT_NE(render_status(snapshot, {}).find("\ndata plane all offloads, 1 thread\n"),
            std::string::npos);
  snapshot.data_plane.threads = 2;
  EXPECT_NE(render_status(snapshot, {}).find("\ndata plane all offloads, 2 threads\n"),
            std::string::npos);
  snapshot.data_plane.threads = 0;
  snapshot.data_plane.rungs = {{"a", false, "switched off"},
                               {"b", false, "switched off"},
                               {"c", true, ""},
                               {"d", false, "x\033"}};
  EXPECT_NE(render_status(snapshot, {}).find("\ndata plane without a, b (switched off), d (x?)\n"),
            std::string::npos);
}

TEST(Render, ColourOnlyWhenAsked) {
  EXPECT_EQ(render_status(two_peers(), {}).find('\033'), std::string::npos);
  EXPECT_NE(render_status(two_peers(), {true}).find("\033[32mconnected\033[0m    10.77.0.2"),
            std::string::npos)
      << "and colours take no room in the columns";
}

TEST(Render, NamesOfPeersAreUntrusted) {
  Snapshot snapshot = two_peers();
  snapshot.peers[0].name = "\033[2J\r\nroot#";
  snapshot.peers[0].reason_text = "a\033b";
  snapshot.node.name = "x\ny";
  const std::string text = render_status(snapshot, {});
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_NE(text.find("?[2J??root#  unreachable"), std::string::npos);
  EXPECT_NE(text.find("x?y"), std::string::npos);
}

TEST(Hint, NobodyAfterFifteenSeconds) {
  Snapshot snapshot;
  snapshot.node.network = "7f3a-91c2";
  snapshot.node.uptime_s = 14;
  EXPECT_EQ(hint(snapshot), std::nullopt);
  snapshot.node.uptime_s = 15;
  EXPECT_EQ(hint(snapshot), "nobody else in this network yet: same fingerprint 7f3a-91c2 there?");
}

TEST(Hint, UnreachablePeersNameTheReasonOfTheFirst) {
  Snapshot snapshot = two_peers();
  EXPECT_EQ(hint(snapshot), "ambqgayd: no answer on any path");
  snapshot.peers.push_back(snapshot.peers[0]);
  EXPECT_EQ(hint(snapshot), "ambqgayd: no answer on any path (and 1 more)");
  snapshot.peers[0].reason_text.reset();
  EXPECT_EQ(hint(snapshot), "ambqgayd: unreachable, for no reason known (and 1 more)");
}

TEST(Hint, WhatIsNoFaultGetsNone) {
  Snapshot snapshot = two_peers();
  snapshot.peers.erase(snapshot.peers.begin());
  snapshot.drops.count(Drop::spoofed_source, 1000);
  snapshot.drops.count(Drop::malformed, 1000);
  EXPECT_EQ(hint(snapshot), std::nullopt) << "drops are strangers' doing";
  snapshot.peers[0].state = PeerState::idle;
  EXPECT_EQ(hint(snapshot), std::nullopt);
  snapshot.peers[0].state = PeerState::connecting;
  EXPECT_EQ(hint(snapshot), std::nullopt);
}

TEST(Hint, NoBootstrapAnswers) {
  Snapshot snapshot = two_peers();
  snapshot.discovery.bootstraps = {{"hub:3731", false}, {"two:3731", true}};
  EXPECT_EQ(hint(snapshot), "ambqgayd: no answer on any path");
  snapshot.discovery.bootstraps[1].up = false;
  EXPECT_EQ(hint(snapshot),
            "no bootstrap answers (hub:3731): is the internet there, and UDP let through?");
}

TEST(Units, AreForPeople) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(9960), "10 kB");
  EXPECT_EQ(human_bytes(999499), "999 kB");
  EXPECT_EQ(human_bytes(999500), "1.0 MB");
  EXPECT_EQ(human_bytes(123456789012), "123 GB");
  EXPECT_EQ(human_bytes(18446744073709551615ULL), "18 EB");
  EXPECT_EQ(human_seconds(0), "0 s");
  EXPECT_EQ(human_seconds(59), "59 s");
  EXPECT_EQ(human_seconds(60), "1 min");
  EXPECT_EQ(human_seconds(7200), "2 h");
  EXPECT_EQ(human_seconds(90061), "1 d 1 h");
  EXPECT_EQ(human_ms(0.412), "0.4 ms");
  EXPECT_EQ(human_ms(37.6), "38 ms");
}

class Meshctl : public testing::Test {
 public:
  Meshctl() {}

 protected:
  int run_with(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "meshctl");
    out_.str("");
    err_.str("");
    return run(static_cast<int>(arguments.size()), arguments.data(), {out_, err_, {}, folder_});
  }
  void touch(const std::string& name) { std::ofstream(folder_ + "/" + name) << ""; }

  test::TempDir temp_;
  const std::string folder_ = temp_.path();
  std::ostringstream out_, err_;
};

TEST_F(Meshctl, HelpAndVersionGoToStdout) {
  EXPECT_EQ(run_with({"--help"}), 0);
  EXPECT_NE(out_.str().find("join-line"), std::string::npos);
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(run_with({"status", "--help"}), 0);
  EXPECT_NE(out_.str().find("--json"), std::string::npos);
  EXPECT_EQ(run_with({"--version"}), 0);
  EXPECT_EQ(out_.str().substr(0, 8), "meshctl ");
}

TEST_F(Meshctl, GenkeyMakesANewTokenEachTime) {
  EXPECT_EQ(run_with({"genkey"}), 0);
  const std::string first = out_.str();
  ASSERT_EQ(first.size(), 96U);
  const auto network = overlay::parse_token(std::string_view(first).substr(0, 95));
  ASSERT_TRUE(network);
  EXPECT_EQ(network->generation, 1U);
  EXPECT_EQ(run_with({"genkey"}), 0);
  EXPECT_NE(out_.str(), first);
}

TEST_F(Meshctl, WrongUsageIsExit2WithOneSentence) {
  const std::pair<std::vector<const char*>, std::string> cases[] = {
      {{},
       "meshctl: say what to do: status, peers, peer, ping, trace, why, watch, top, map, netcheck, "
       "log-level, reload, id, "
       "genkey, join-line (see meshctl --help)\n"},
      {{"frob"}, "meshctl: The following argument was not expected: frob (see meshctl --help)\n"},
      {{"id", "--json"},
       "meshctl: The following argument was not expected: --json (see meshctl --help)\n"},
      {{"--interface"}, "meshctl: --interface: 1 required NAME missing (see meshctl --help)\n"},
      {{"--interface", "", "id"}, "meshctl: --interface: needs an interface's name, like mesh0\n"},
      {{"--interface", "../x", "id"},
       "meshctl: --interface: needs an interface's name, like mesh0\n"},
      {{"--control", "", "id"}, "meshctl: --control: needs the path of a socket\n"},
      {{"--control", "a", "--interface", "b", "id"},
       "meshctl: --interface and --control both name a meshnode: give one of them\n"},
      {{"status", "id"}, ""},
      {{"peer"}, "meshctl: peer is required (see meshctl --help)\n"},
      {{"ping", "beta", "-c", "many"}, ""},
      {{"ping", "beta", "-i", "0"}, ""},
      {{"top", "-i", "-1"}, ""},
      {{"log-level", "a", "b"}, ""},
  };
  for (const auto& [arguments, sentence] : cases) {
    EXPECT_EQ(run_with(arguments), 2);
    EXPECT_TRUE(sentence.empty() || err_.str() == sentence) << err_.str();
    EXPECT_EQ(out_.str(), "");
  }
}

TEST_F(Meshctl, TakesTheOnlySocketThereIs) {
  EXPECT_EQ(run_with({"status"}), 1);
  EXPECT_EQ(err_.str(), "meshctl: no meshnode runs here: there is no socket in " + folder_ +
                            " (start one: sudo meshnode --lan-only)\n");
  touch("notes.txt");
  touch("mesh7.sock");
  EXPECT_EQ(*find_socket({}, folder_), folder_ + "/mesh7.sock");
  touch("home.sock");
  EXPECT_EQ(run_with({"status"}), 2);
  EXPECT_EQ(err_.str(),
            "meshctl: several meshnodes run here: choose one with --interface (home, mesh7)\n");
}

TEST_F(Meshctl, TheWorldFailingIsExit1) {
  EXPECT_EQ(run_with({"--interface", "mesh9", "status"}), 1);
  EXPECT_EQ(err_.str(),
            "meshctl: no meshnode runs here: there is no socket " + folder_ + "/mesh9.sock\n");
  EXPECT_EQ(run_with({"status", "--control", (folder_ + "/x").c_str()}), 1);
}

}  // namespace
}  // namespace meshnode::ctl
