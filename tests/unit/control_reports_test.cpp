// control/reports_json, both ways, and how reports and events look.
#include <gtest/gtest.h>

#include "control/protocol.h"
#include "control/reports_json.h"
#include "ctl/render_peer.h"

namespace meshnode::control {
namespace {

NodeId id(std::uint8_t fill) {
  NodeId out;
  out.bytes.fill(fill);
  return out;
}

PeerStatus beta() {
  PeerStatus out;
  out.id = id(2);
  out.name = "beta";
  out.addresses = {*IpAddress::parse("fd00::2"), *IpAddress::parse("10.77.0.2")};
  out.state = PeerState::connected;
  out.path = PathStatus{PathKind::direct, Endpoint::parse("192.168.1.5:41234"),
                        *Endpoint::parse("198.51.100.7:555"), 12.6};
  out.tx_bytes = 2000;
  out.rx_bytes = 5'000'000;
  out.tx_packets = 20;
  out.rx_packets = 4000;
  out.handshake_age_s = 17;
  EdgeStatus edge;
  edge.observed = Endpoint::parse("203.0.113.7:41234");
  edge.rtt_last_ms = 13;
  edge.rtt_min_ms = 11;
  edge.rtt_avg_ms = 12.6;
  edge.rtt_jitter_ms = 0.5;
  edge.probes = 50;
  edge.lost = 1;
  edge.heard_s = 3;
  edge.keep_alive_s = 110;
  edge.datagram = 1452;
  edge.mtu_settled = true;
  edge.cipher = "AES-256-GCM";
  edge.handshakes = 4;
  edge.path_changes = 2;
  out.edge = edge;
  return out;
}

PeerDetails details() {
  PeerDetails out;
  out.peer = beta();
  out.candidates = {{*Endpoint::parse("198.51.100.7:555"), CandidateState::carries, 50, 49, 12.6},
                    {*Endpoint::parse("10.1.2.3:555"), CandidateState::sought, 9, 0, std::nullopt}};
  out.path_history = {{7200, std::nullopt, "goodbye"},
                      {60, Endpoint::parse("198.51.100.7:555"), "first"}};
  return out;
}

TEST(Reports, ComeBackAsTheyWere) {
  const std::string one = to_json(details());
  EXPECT_EQ(to_json(*details_from_json(one)), one);
  PeerDetails lost;
  lost.seeking_s = 9;
  lost.failed_handshakes = 3;
  EXPECT_EQ(to_json(*details_from_json(to_json(lost))), to_json(lost));

  const std::string peers = to_json(std::vector{beta(), PeerStatus{}});
  EXPECT_EQ(to_json(*peers_from_json(peers)), peers);

  const PingReport pong{id(2), "beta", 12.6, beta().path, std::nullopt};
  EXPECT_EQ(to_json(*ping_from_json(to_json(pong))), to_json(pong));
  const PingReport nothing{id(2), "", std::nullopt, std::nullopt, Failure{"no-path", "no way"}};
  EXPECT_EQ(to_json(*ping_from_json(to_json(nothing))), to_json(nothing));

  const TraceReport trace{
      details(), EdgeView{beta().path, beta().edge, details().candidates, details().path_history},
      std::nullopt};
  EXPECT_EQ(to_json(*trace_from_json(to_json(trace))), to_json(trace));
  const TraceReport silent{details(), std::nullopt, Failure{"no-answer", "it did not answer"}};
  EXPECT_EQ(to_json(*trace_from_json(to_json(silent))), to_json(silent));
}

TEST(Reports, EventsAreGolden) {
  Event event{.event = "path-changed", .unix_ms = 1760000000123};
  event.id = id(2);
  event.name = "beta";
  event.path_kind = PathKind::lan;
  event.remote = Endpoint::parse("192.168.1.7:555");
  event.detail = "lan";
  const std::string json = to_json(event);
  EXPECT_EQ(json, R"({"event":"path-changed","unix_ms":1760000000123,"id":")" + id(2).to_string() +
                      R"(","name":"beta","path_kind":"lan","remote":"192.168.1.7:555",)" +
                      R"("detail":"lan"})");
  EXPECT_EQ(to_json(*event_from_json(json)), json);
  EXPECT_EQ(to_json(Event{.event = "twin-identity", .unix_ms = 5}),
            R"({"event":"twin-identity","unix_ms":5})");
}

TEST(Reports, NothingElseIsAReport) {
  const std::string deep(100'000, '[');
  for (const std::string& text : {std::string(), std::string("7"), std::string("{}"), deep,
                                  std::string("[7]"), to_json(details()).substr(0, 200)}) {
    EXPECT_FALSE(details_from_json(text));
    EXPECT_FALSE(ping_from_json(text));
    EXPECT_FALSE(trace_from_json(text));
    EXPECT_FALSE(event_from_json(text));
    EXPECT_FALSE(peers_from_json(text));
  }
}

using namespace ctl;

TEST(RenderPeer, DetailsAreGolden) {
  EXPECT_EQ(render_details(details(), {}), R"(peer        beta
id          aibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiba
addresses   fd00::2, 10.77.0.2
state       connected
path        direct, 192.168.1.5:41234 to 198.51.100.7:555
seen as     203.0.113.7:41234
rtt         13 ms on average, jitter 0.5 ms, last 13 ms, least 11 ms
loss        1 of the last 50 probes
datagrams   up to 1452 bytes
cipher      AES-256-GCM
keep-alive  every 1 min 50 s
heard       3 s ago
handshakes  4, the last one 17 s ago
changes     2 of the path
sent        2.0 kB in 20 packets
received    5.0 MB in 4000 packets

CANDIDATE         STATE         PROBES  ANSWERS    RTT
198.51.100.7:555  carries data      50       49  13 ms
10.1.2.3:555      sought             9        0      -

PATH CHANGED  TO                BECAUSE
   1 min ago  198.51.100.7:555  there was none
     2 h ago  no path           the peer stopped
)");
}

TEST(RenderPeer, ATraceHasTwoSides) {
  TraceReport report{details(), std::nullopt, Failure{"no-answer", "it did not\033 answer"}};
  EXPECT_NE(render_trace(report, {}).find("\nfrom there\nnot known: it did not? answer\n"),
            std::string::npos);
  report.there = EdgeView{beta().path, beta().edge, {}, {}};
  const std::string text = render_trace(report, {});
  EXPECT_NE(text.find("\nfrom there\npath        direct, "), std::string::npos);
  EXPECT_NE(text.find("no candidates\n\nno path so far\n"), std::string::npos);
}

TEST(RenderPeer, RatesAreWhatPassedSince) {
  PeerStatus before = beta();
  PeerStatus now = beta();
  now.tx_bytes += 3000;
  now.rx_bytes += 5'000'000;
  const std::string text = render_top({now, PeerStatus{}}, {before}, 2, {});
  EXPECT_EQ(text, R"(PEER  STATE          SENT  RECEIVED    RTT  LOSS   MTU  PATH    ENDPOINT
beta  connected  1.5 kB/s  2.5 MB/s  13 ms   2 %  1452  direct  198.51.100.7:555
)") << "only peers with a path";
  EXPECT_EQ(top_json({now}, {before}, 2), "[{\"id\":\"" + id(2).to_string() +
                                              "\",\"tx_bytes_per_s\":1500,"
                                              "\"rx_bytes_per_s\":2500000}]");
  // Forgotten and met anew: it counts from zero, and no rate is negative or huge.
  EXPECT_NE(top_json({before}, {now}, 2).find("\"tx_bytes_per_s\":0,"), std::string::npos);
  EXPECT_EQ(render_top({}, {}, 1, {}), "no edges at present\n");
}

TEST(RenderPeer, ColourOnlyWhenAsked) {
  for (const bool colour : {false, true}) {
    const Look look{colour, true};
    for (const std::string& text : {render_peers({beta()}, look), render_details(details(), look),
                                    render_top({beta()}, {beta()}, 1, look)})
      EXPECT_EQ(text.find('\033') != text.npos, colour);
  }
}

TEST(RenderPeer, NamesOfPeersAreUntrusted) {
  PeerStatus evil = beta();
  evil.name = "\033[2J\r\n";
  evil.reason_text = "\033";
  PeerDetails about;
  about.peer = evil;
  about.path_history = {{1, std::nullopt, "\033"}};
  Event event{.event = "\033\n"};
  event.id = id(2);
  event.name = *evil.name;
  event.detail = "\033";
  for (const std::string& text :
       {render_peers({evil}, {}), render_details(about, {}), render_top({evil}, {}, 1, {}),
        render_ping({id(2), *evil.name, std::nullopt, std::nullopt, Failure{"x", "\033"}}, 1),
        render_event(event, 0)}) {
    EXPECT_EQ(text.find('\033'), text.npos) << text;
    EXPECT_EQ(text.find('\r'), text.npos) << text;
  }
}

TEST(RenderPeer, PingsSayTheirPath) {
  EXPECT_EQ(render_ping({id(2), "beta", 12.6, beta().path, std::nullopt}, 3),
            "beta 3: 13 ms over 198.51.100.7:555 (direct)\n");
  EXPECT_EQ(render_ping({id(2), "", std::nullopt, std::nullopt, Failure{"no-path", "no way"}}, 1),
            "aibaeaqc 1: no way\n");
}

TEST(RenderPeer, EventsAreSentences) {
  Event event{.event = "path-changed", .unix_ms = 1760000000123};
  event.id = id(2);
  event.name = "beta";
  event.path_kind = PathKind::lan;
  event.remote = Endpoint::parse("192.168.1.7:555");
  event.detail = "lan";
  EXPECT_EQ(render_event(event, 0),
            "08:53:20 beta: path to 192.168.1.7:555 (lan), because it is in the local network\n");
  EXPECT_EQ(render_event(event, 7200).substr(0, 8), "10:53:20");
  EXPECT_EQ(render_event(event, -36000).substr(0, 8), "22:53:20");
  Event later{.event = "comet-seen"};
  later.detail = "halley";
  EXPECT_NE(render_event(later, 0).find("comet-seen"), std::string::npos)
      << "of a newer daemon: shown as it is";
}

}  // namespace
}  // namespace meshnode::control
