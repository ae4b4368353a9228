// Writes the hand-made part of the corpus with the real encoders: fuzz_seeds FOLDER
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "control/protocol.h"
#include "control/reports_json.h"
#include "control/snapshot_json.h"
#include "discovery/dht/port.h"
#include "discovery/introductions.h"
#include "fuzz/fuzz.h"
#include "fuzz/members.h"
#include "node/state_dir_record.h"
#include "support/members.h"
#include "wire/beacon.h"
#include "wire/control.h"
#include "wire/data_frame.h"
#include "wire/dht_ping.h"
#include "wire/edges.h"
#include "wire/envelope.h"
#include "wire/gossip.h"
#include "wire/ip.h"
#include "wire/probe.h"
#include "wire/record.h"
#include "wire/trace.h"

namespace meshnode::fuzz {
namespace {

std::filesystem::path folder;

void save(const std::string& target, const std::string& name, ByteView bytes) {
  std::filesystem::create_directories(folder / target);
  std::ofstream(folder / target / name, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

void save(const std::string& target, const std::string& name, std::string_view text) {
  save(target, name, as_bytes(text));
}

template <std::size_t N>
Block<N> filled(std::uint8_t byte) {
  Block<N> out;
  out.fill(byte);
  return out;
}

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes out;
  for (const int value : values) out.push_back(static_cast<std::uint8_t>(value));
  return out;
}

void probes() {
  wire::Probe probe;
  probe.tag = 0x0102030405060708;
  probe.number = 99;
  probe.boot = filled<8>(9);
  probe.mac = filled<16>(7);
  probe.nonce = filled<8>(5);
  save("wire_probe", "request", wire::probe_body(probe) + probe.mac);
  probe.kind = wire::Probe::Kind::answer;
  probe.observed = *Endpoint::parse("192.0.2.1:4000");
  save("wire_probe", "answer-v4", wire::probe_body(probe) + probe.mac);
  probe.observed = *Endpoint::parse("[2001:db8::1]:4000");
  save("wire_probe", "answer-v6", wire::probe_body(probe) + probe.mac);
}

void handshakes() {
  const auto alpha = member(1, network());
  const auto beta = member(2, network());
  auto payload = honest_payload(alpha, 7, 5000);
  save("wire_payload", "init", wire::encode_payload(payload));
  payload.observed = *Endpoint::parse("[2001:db8::1]:4000");
  payload.claims = {IpAddress::v4({10, 77, 0, 1}), IpAddress::v4({10, 77, 0, 2})};
  payload.challenge_answer = filled<16>(5);
  payload.name = "Zo\xc3\xab \xe2\x9c\x93";
  const Bytes full = wire::encode_payload(payload);
  save("wire_payload", "init-full", full);
  save("wire_payload", "unknown-tlv", full + bytes_of({99, 3, 1, 2, 3}));
  payload.challenge_answer.reset();
  payload.ciphers = {1};
  save("wire_payload", "response", wire::encode_payload(payload));

  save("wire_handshake", "init", init_with_payload(alpha, beta, 7, 0, full));
  const Bytes noise(48 + 120, 3);
  save("wire_handshake", "response", wire::response_header(1, 2) + noise + filled<16>(4));
  const auto challenge = [&](wire::Challenge::Kind kind) {
    return overlay::make_challenge(alpha.keys, kind, 7, filled<16>(1), filled<16>(2));
  };
  save("wire_handshake", "cookie", challenge(wire::Challenge::Kind::cookie));
  save("wire_handshake", "freshness", challenge(wire::Challenge::Kind::freshness));
}

void beacons() {
  wire::Beacon beacon;
  beacon.static_key = filled<32>(1);
  beacon.node.bytes = filled<32>(2);
  beacon.boot = filled<8>(3);
  beacon.number = 4;
  beacon.port = 4000;
  beacon.source = *IpAddress::parse("10.0.0.2");
  beacon.clock.ms = 1'760'000'000'000;
  const Bytes v4 = wire::encode_beacon_text(beacon);
  beacon.source = *IpAddress::parse("fe80::2");
  beacon.answer_wanted = true;
  const Bytes v6 = wire::encode_beacon_text(beacon);
  save("wire_beacon_text", "v4", v4);
  save("wire_beacon_text", "v6", v6);
  save("lan_beacon_open", "member-v4", bytes_of({1}) + v4);
  save("lan_beacon_open", "member-v6", bytes_of({3}) + v6);
  save("lan_beacon_open", "member-off-link", bytes_of({7}) + v4);
  save("lan_beacon_open", "member-overlay", bytes_of({9}) + v4);
  save("lan_beacon_open", "stranger", bytes_of({0}) + Bytes(wire::kBeaconSize, 0xaa));
}

Bytes udp_v4(const IpAddress& from, const IpAddress& to, std::size_t payload) {
  Bytes out(28 + payload, 0x61);
  std::fill_n(out.begin(), 28, std::uint8_t{0});
  out[0] = 0x45;
  store_be(out.data() + 2, static_cast<std::uint16_t>(out.size()));
  out[8] = 64;
  out[9] = wire::udp;
  std::copy_n(from.bytes().begin(), 4, out.begin() + 12);
  std::copy_n(to.bytes().begin(), 4, out.begin() + 16);
  return out;
}

void packets() {
  const IpAddress from = *IpAddress::parse("10.77.0.2");
  const IpAddress to = *IpAddress::parse("10.77.0.1");
  save("wire_ip", "udp-v4", udp_v4(from, to, 12));
  save("wire_ip", "udp-v4-long", udp_v4(from, to, 1000));
  Bytes options = udp_v4(from, to, 4);
  options[0] = 0x46;
  save("wire_ip", "options-v4", options);
  Bytes ping = udp_v4(from, to, 8);
  ping[9] = wire::icmp;
  ping[20] = 8;
  save("wire_ip", "ping-v4", ping);
  Bytes v6(48, 0);
  v6[0] = 0x60;
  v6[5] = 8;
  v6[6] = wire::icmpv6;
  v6[8] = v6[24] = 0xfd;
  v6[40] = 128;
  save("wire_ip", "ping-v6", v6);
  v6[40] = 1;
  save("wire_ip", "error-v6", v6);
  Bytes large = v6;
  large[6] = wire::tcp;
  large.resize(1400, 0x62);
  store_be(large.data() + 4, std::uint16_t{1360});
  save("wire_ip", "tcp-v6-large", large);

  save("wire_control", "keepalive", wire::encode_control({wire::ControlType::keepalive, {}}));
  Bytes padded = wire::encode_control({wire::ControlType::goodbye, as_bytes("body")});
  padded.resize(16);
  save("wire_control", "goodbye-padded", padded);
  const Endpoint somewhere = *Endpoint::parse("192.0.2.7:3731");
  wire::Trace trace{.kind = wire::Trace::PathKind::direct, .local = somewhere, .remote = somewhere};
  trace.changes = {{60, 0, somewhere}, {5, 1, {}}};
  trace.candidates = {{somewhere, wire::Trace::CandidateState::carries, 9, 8, 1200}};
  save("wire_control", "edges-ask", wire::encode_edges_ask({0x80000003, {}}));
  wire::EdgePage page{.number = 0x80000003, .more = true};
  for (std::uint8_t i = 1; i <= 3; ++i) {
    page.edges.push_back({.rtt_us = 1000});
    page.edges.back().id.bytes.fill(i);
  }
  save("wire_control", "edges-answer", wire::encode_edges_answer(page));
  save("wire_control", "edges-refused", wire::encode_edges_answer({.number = 1, .refused = true}));
  save("wire_control", "trace-answer", wire::encode_trace_answer(trace));

  Bytes frame(64);
  wire::write_frame_header(frame.data(), {.receiver = 0x01020304, .counter = 5});
  save("wire_data_frame", "frame", frame);

  // rx_pump scripts: runs-1, path, segment, pieces-1, then pieces (see there).
  const Bytes packet = udp_v4(from, to, 4);
  const auto sealed = [&](int who, int kind, int counter, const Bytes& text) {
    return bytes_of({who * 4, kind, 0, counter, static_cast<int>(text.size())}) + text;
  };
  const Bytes one = bytes_of({0, 0, 0, 0}) + sealed(0, 0, 0, packet);
  save("rx_pump", "packet", one);
  save("rx_pump", "replay", one + one);
  save("rx_pump", "two-in-a-run",
       bytes_of({0, 0, 64, 1}) + sealed(0, 0, 0, packet) + sealed(0, 0, 1, packet));
  save("rx_pump", "copy-in-a-run",
       bytes_of({0, 0, 64, 1}) + sealed(0, 0, 9, packet) + sealed(0, 0, 9, packet));
  save("rx_pump", "spoofed", bytes_of({0, 0, 0, 0}) + sealed(1, 0, 0, packet));
  save("rx_pump", "control-elsewhere", bytes_of({0, 1, 0, 0}) + sealed(1, 1, 3, Bytes(4)));
  save("rx_pump", "forged", bytes_of({0, 0, 0, 0, 1, 3, 40}) + Bytes(40, 0x7e));
  const auto flow = [](int place, int odd) { return bytes_of({6, place, odd, 63, place}); };
  save("rx_pump", "flow", bytes_of({0xc0, 0, 144, 2}) + flow(0, 0) + flow(1, 0) + flow(2, 0));
  save("rx_pump", "marked-flow",
       bytes_of({0xc0, 0xc0, 144, 2}) + flow(0, 4) + flow(1, 4) + flow(2, 0));
  // tx_pump scripts: kind, TOS, TCP flags, payload, gso_size.
  const auto super = [](int kind, int payload, int gso) {
    return bytes_of({kind, 2, 0x98, payload % 256, payload / 256, gso % 256, gso / 256});
  };
  save("tx_pump", "tcp", super(1, 10000, 1380));
  save("tx_pump", "udp", super(2, 1000, 100));
  save("tx_pump", "single", super(1, 100, 0));
  save("tx_pump", "tiny-segments", super(1, 19999, 8));
  save("tx_pump", "many", super(1, 3000, 1000) + super(2, 64, 0) + super(2, 64, 0));
  save("tx_pump", "raw", bytes_of({0, 32, 0}) + packet + bytes_of({0, 0, 0, 20, 0, 6, 0}));

  save("rx_pump", "others", bytes_of({3, 0, 0, 0, 2, 3, 0x43, 1, 2, 0, 0, 0, 2, 2,    0,
                                      1, 0, 0, 0, 2, 2, 0x80, 1, 0, 0, 0, 2, 2, 0x20, 1}));
}

void texts() {
  save("text", "token", overlay::to_token(network()));
  save("text", "node-id", member(1, network()).identity.id.to_string());
  save("text", "hex", "00ffA9");
  save("text", "base32", "mfrggzdf");
  save("text", "v4", "192.0.2.1");
  save("text", "endpoint-v4", "192.0.2.1:4000");
  save("text", "endpoint-v6", "[2001:db8::1]:4000");
  save("text", "mapped", "::ffff:192.0.2.1");
  save("text", "cidr-v4", "10.77.0.1/24");
  save("text", "cidr-v6", "fd00::1/64");

  save("name_validation", "plain", "alpha");
  save("name_validation", "utf8", "Zo\xc3\xab \xe2\x9c\x93 \xf0\x9f\x98\x80");
  save("name_validation", "bidi",
       "a\xe2\x80\xae"
       "b");
  save("name_validation", "superscript", "\xe2\x81\xb4");  // E2 81, but visible
  save("name_validation", "escape", "\x1b[31m");
  save("name_validation", "cut-short", "ab\xe2\x9c");
  save("name_validation", "domain", "host.example.org");
  save("name_validation", "host-port", "[2001:db8::1]:3731");
  save("name_validation", "claim", "10.77.0.1/24");
  save("name_validation", "number", "40000");
  save("name_validation", "interface", "mesh0");
}

control::Snapshot snapshot() {
  control::Snapshot out;
  out.node.id = member(1, network()).identity.id;
  out.node.name = "alpha";
  out.node.addresses = {*IpAddress::parse("fd00::1"), *IpAddress::parse("10.77.0.1")};
  out.node.interface = "mesh0";
  out.node.port = 40000;
  out.node.network = "7f3a-91c2";
  control::PeerStatus peer;
  peer.id = member(2, network()).identity.id;
  peer.name = "beta";
  peer.state = control::PeerState::connected;
  peer.path = control::PathStatus{control::PathKind::lan, {}, *Endpoint::parse("10.0.0.2:4"), 0.25};
  peer.handshake_age_s = 17;
  peer.edge = control::EdgeStatus{.rtt_avg_ms = 0.25, .probes = 9, .cipher = "AES-256-GCM"};
  out.peers.push_back(peer);
  out.drops.count(Drop::replayed, 3);
  return out;
}

void control_lines() {
  for (const auto method : {control::Method::status, control::Method::id,
                            control::Method::join_line, control::Method::watch})
    save("control_request", std::string(control::name(method)), control::request_line(method));
  save("control_request", "ping", control::request_line({control::Method::ping, "beta"}));
  const std::string status = control::to_json(snapshot());
  const control::PeerDetails details{.peer = snapshot().peers[0],
                                     .candidates = {{*Endpoint::parse("10.0.0.2:4"),
                                                     control::CandidateState::carries, 9, 8, 0.25}},
                                     .path_history = {{5, std::nullopt, "goodbye"}}};
  save("control_request", "details", control::to_json(details));
  save("control_request", "peers", control::to_json(snapshot().peers));
  save("control_request", "trace",
       control::to_json(control::TraceReport{details, control::EdgeView{}, std::nullopt}));
  save("control_request", "pong",
       control::to_json(control::PingReport{details.peer.id, "beta", 0.25, details.peer.path, {}}));
  save("control_request", "event",
       control::to_json(control::Event{.event = "peer-up", .id = details.peer.id, .rtt_ms = 0.5}));
  save("control_request", "snapshot", status);
  save("control_request", "answer", control::ok_line(status));
  save("control_request", "error", control::error_line("no"));
  save("control_request", "join",
       control::ok_line(control::to_json(control::JoinLine{"meshnode --key @-", "t"})));
  save("control_request", "text", control::ok_line(control::to_json_string("one\n\"two\"")));
}

std::string content_of(const std::string& record) {
  const auto from = record.find("\"content\":") + 10;
  return record.substr(from, record.rfind("\"checksum\"") - from - 4);
}

void state_files() {
  const std::string identity = node::encode_identity(crypto::Ed25519Seed(filled<32>(1)));
  node::StoredNetwork stored;
  stored.secret = network();
  stored.made_here = true;
  const std::string plain = node::encode_network(stored);
  stored.seed_check = filled<32>(4);
  const std::string seeded = node::encode_network(stored);
  const std::string counters = node::encode_counters({40000, 1'760'000'000'000});
  save("state_records", "identity", identity);
  save("state_records", "network", plain);
  save("state_records", "network-seeded", seeded);
  save("state_records", "counters", counters);
  save("state_records", "identity-content", content_of(identity));
  save("state_records", "network-content", content_of(plain));
  save("state_records", "network-seeded-content", content_of(seeded));
  save("state_records", "counters-content", content_of(counters));

  save("toml_config", "all",
       "# a comment\nname = \"alpha\"\nport = 40000\nlan-only = true\naddress = [\n"
       "  \"10.77.0.1/24\",\n  'fd00::1'\n]\nkey = \"@/etc/key\"\nmtu = 1_400\n");
  save("toml_config", "wrong-types", "name = 1\nport = \"x\"\nlan-only = []\naddress = [1]\n");
  save("toml_config", "unknown-keys", "nome = 1\n[table]\na.b = 1\n[[list]]\nc = {d = 2}\n");
  save("toml_config", "broken", "name = \"alpha\n");
  save("toml_config", "strings", "seed = \"\"\"a\\u00e9\\\n  b\"\"\"\nname = '''x'''\n");
  save("toml_config", "numbers", "port = 0xff\nmtu = 1e3\nlan-port = 1979-05-27T07:32:00Z\n");
  save("toml_config", "secret", "seed = \"word word word\"\n");
}

void conversations() {
  save("noise_read", "any", bytes_of({0, 1, 2, 3}));
  save("noise_read", "genuine", bytes_of({1}));
  save("noise_read", "ephemeral-changed", bytes_of({1, 1}));
  save("noise_read", "tag-changed", bytes_of({1}) + Bytes(60, 0) + bytes_of({1}));
  save("noise_read", "cut", bytes_of({2, 0, 40}));
  save("noise_read", "longer", bytes_of({2, 0, 255, 1, 2}));
  save("noise_read", "low-order", bytes_of({0}) + Bytes(120, 0));

  const auto payload = wire::encode_payload(honest_payload(member(2, network()), 9, 77));
  const Bytes garbage = bytes_of({1, 2, 60}) + Bytes(60, 5);
  save("gate_and_handshake", "strangers",
       bytes_of({0, 3, 0x40, 1, 0}) + garbage + bytes_of({2, 0, 0, 0, 2, 9, 0, 2, 1, 1}));
  save("gate_and_handshake", "genuine-twice", bytes_of({4, 4, 7, 20, 0x44, 7, 255, 4}));
  save("gate_and_handshake", "genuine-changed",
       bytes_of({3, 4, 0, 2, 1, 1, 3, 60, 0, 2, 1, 1, 4, 3, 0xff, 0, 1, 1}));
  save("gate_and_handshake", "any-payload",
       bytes_of({5, 9, 1, static_cast<int>(payload.size())}) + payload + bytes_of({5, 9, 2, 0}));
  save("gate_and_handshake", "nearly-honest",
       bytes_of({6, 9, 77, 0, 0, 0, 0, 1, 6, 9, 78, 0, 40, 1, 0, 2, 6, 9, 79, 0, 121, 9, 0, 3}));
  save("gate_and_handshake", "many", [] {
    Bytes out;
    for (int i = 0; i < 30; ++i) out = std::move(out) + bytes_of({6, i, i, 1, 0, 0, 0, i});
    return out;
  }());

  // engine_session scripts: one byte what (low half) and who (bit 4), then its arguments.
  save("engine_session", "pings", bytes_of({3, 0x13, 1, 10, 3, 0x13}));
  save("engine_session", "rekey", bytes_of({3, 1, 60, 3, 1, 50, 3, 1, 15, 3, 1, 60, 0x13}));
  save("engine_session", "bad-link", bytes_of({4, 30, 5, 30, 6, 40, 2, 2, 2, 0x12, 0x12, 1, 5}));
  save("engine_session", "replays", bytes_of({3, 9, 0, 0, 9, 3, 0, 10, 0, 0, 10, 5, 0, 1, 2}));
  save("engine_session", "killed", bytes_of({3, 0x1d, 4, 1, 3, 3, 0x0d, 0, 1, 20, 0x0d, 0, 3}));
  save("engine_session", "goodbye", bytes_of({3, 0x1d, 1, 1, 9, 2, 0x1d, 0, 1, 3, 0x13}));
  save("engine_session", "restored", bytes_of({3, 0x1d, 0, 0x1e, 120, 0x1d, 2, 1, 30, 3}));
  save("engine_session", "flips", bytes_of({2, 8, 20, 0, 1, 2, 8, 2, 0, 0xff, 2, 0, 50}));
  save("engine_session", "garbage",
       bytes_of({11, 3, 0x40, 1, 0, 0x1b, 2, 0x44, 0, 12, 160}) + Bytes(160, 3));
  save("engine_session", "no-handshakes", bytes_of({7, 3, 3, 1, 119, 3, 1, 200, 7, 0, 3}));
  save("engine_session", "no-probes", bytes_of({3, 7, 8, 1, 100, 7, 0, 3}));
  save("engine_session", "clocks", bytes_of({14, 0, 0x1e, 255, 3, 0x0d, 4, 1, 40, 15, 0x1f, 3}));
}

wire::Record record() {
  const auto candidate = [](wire::CandidateKind kind, std::string_view endpoint) {
    return wire::Candidate{kind, 200, 0, *Endpoint::parse(endpoint)};
  };
  using Kind = wire::CandidateKind;
  wire::Record out;
  out.signing_key = filled<32>(1);
  out.static_key = filled<32>(2);
  out.sequence = 1'760'000'000'123;
  out.boot = filled<8>(3);
  out.issued = 1'760'000'000;
  out.candidates = {candidate(Kind::host, "[2001:db8::1]:40000"),
                    candidate(Kind::reflexive, "192.0.2.1:40000"),
                    candidate(Kind::peer_reflexive, "192.0.2.1:40001"),
                    candidate(Kind::guessed, "192.0.2.2:40000")};
  out.nat = wire::NatMapping::endpoint_independent;
  out.name = "Zo\xc3\xab";
  out.claims = {IpAddress::v4({10, 77, 0, 1}), IpAddress::v4({10, 77, 0, 2})};
  return out;
}

Bytes u16(std::size_t value) {
  Bytes out;
  Writer(out).u16(static_cast<std::uint16_t>(value));
  return out;
}

Bytes with_length(ByteView bytes) {
  return u16(bytes.size()) + bytes;
}

void records() {
  const Bytes text = wire::encode_record_text(record());
  Bytes later = text + bytes_of({5, 0xc4, 2, 1, 2, 0xa1, 'x'});
  later[0] = 0x9e;
  wire::Record bare_record = record();
  bare_record.candidates.clear();
  bare_record.claims.clear();
  bare_record.name.clear();
  bare_record.sequence = 1;
  const Bytes bare = wire::encode_record_text(bare_record);
  const Bytes signature(wire::kRecordSignatureSize, 9);
  save("wire_record", "full", text + signature);
  save("wire_record", "bare", bare + signature);
  wire::Record crowded = record();
  crowded.candidates.resize(wire::kMaxCandidates, crowded.candidates[1]);
  save("wire_record", "eight-candidates", wire::encode_record_text(crowded) + signature);
  crowded.candidates.push_back(crowded.candidates[1]);
  save("wire_record", "nine-candidates", wire::encode_record_text(crowded) + signature);
  save("wire_record", "later-version", later + signature);

  // record_book scripts: one byte what (low half) and by whom (bits 4, 5), then its arguments.
  const auto custom = [&](int who, ByteView content) {
    return bytes_of({who * 16 + 2}) + with_length(content);
  };
  save("record_book", "honest", bytes_of({3, 5, 3, 6, 0x13, 6, 3, 5, 4, 3, 7, 0x23, 1}));
  save("record_book", "too-many", [] {
    Bytes out;
    for (int i = 1; i < 20; ++i) out = std::move(out) + bytes_of({3, i});
    return out + bytes_of({5, 9, 0, 3, 20});
  }());
  save("record_book", "changed", bytes_of({1, 0, 0, 1, 1, 70, 0, 4, 0x11, 200, 0, 1, 3, 5, 1, 9}));
  save("record_book", "garbage", bytes_of({0}) + with_length(text + signature) + bytes_of({3, 1}));
  save("record_book", "own-text",
       bytes_of({3, 5}) + custom(0, text) + custom(0, bare) + custom(1, later));
  save("record_book", "forgotten", bytes_of({3, 5, 0x13, 5, 0x14, 5, 0, 9, 3, 4, 0x23, 1}));

  // directory_open: what, at, then the text or the value (see there).
  const auto sealed = [](std::size_t length, ByteView content) {
    Bytes out = u16(length) + content;
    out.resize(2 + wire::kMaxRecordSize);
    return out;
  };
  const Bytes whole = text + signature;
  const Bytes good = sealed(whole.size(), whole);
  save("directory_open", "member", bytes_of({1, 0}) + good);
  save("directory_open", "longest",
       bytes_of({1, 0}) + sealed(wire::kMaxRecordSize, Bytes(wire::kMaxRecordSize, 7)));
  save("directory_open", "empty", bytes_of({1, 0}) + sealed(0, {}));
  save("directory_open", "length-beyond", bytes_of({1, 0}) + sealed(wire::kMaxRecordSize + 1, {}));
  save("directory_open", "more-behind", bytes_of({1, 0}) + sealed(whole.size() - 1, whole));
  save("directory_open", "short", bytes_of({1, 0}) + ByteView(good).first(good.size() - 1));
  save("directory_open", "other-key", bytes_of({3, 0}) + good);
  save("directory_open", "changed", bytes_of({5, 40, 1}) + good);
  save("directory_open", "stranger", bytes_of({0, 0}) + Bytes(496, 0xaa));
}

void introductions() {
  const test::Member asking(1);
  const discovery::Introductions machine(asking.id, test::kNetworkId, crypto::real_suite());
  const Bytes genuine = machine.ask(test::Member(2).id, *asking.sign(1), asking.seed, 7);
  save("introduction", "genuine", genuine);
  Bytes far = genuine;
  far[0] = 0;
  save("introduction", "no-hops-left", far);
  save("introduction", "bit-of-the-target", bytes_of({3, 0, 1}));
  save("introduction", "nothing-changed", bytes_of({0, 0, 4, 0, 0, 2}));
}

void gossips() {
  // One byte what (low half) and by whom (high half), then its arguments.
  const auto body = [](int what, ByteView content) {
    return bytes_of({what}) + with_length(content);
  };
  const wire::Digest digest{.lower = 1, .upper = 9, .entries = {{2, 7}, {9, 1}}};
  save("gossip", "digest", body(0, wire::encode_digest(digest)) + body(0, Bytes(15)));
  const wire::Digest twice{.lower = 1, .upper = 9, .entries = {{2, 7}, {2, 8}}};
  save("gossip", "digest-twice", body(0, wire::encode_digest(twice)));
  wire::Digest long_one{.lower = 1, .upper = 99, .entries = {}};
  for (wire::ShortId id = 1; id <= wire::kMaxDigest + 1; ++id) long_one.entries.push_back({id, 7});
  save("gossip", "digest-too-long", body(0, wire::encode_digest(long_one)));
  save("gossip", "want", body(1, wire::encode_want({1, 2, 3})) + body(1, Bytes(7)));
  save("gossip", "want-much", body(1, Bytes(8 * wire::kMaxDigest)) + body(1, Bytes(520)));
  const wire::Digest announcement{.lower = 1, .upper = 0, .entries = {{2, 7}, {9, 1}}};
  save("gossip", "announcement", body(0, wire::encode_digest(announcement)));
  const wire::Summary summary{.salt = 7,
                              .ranges = {{.lower = 0, .upper = 9, .count = 99, .sum = 1},
                                         {.lower = 10, .upper = 11, .count = 1, .sum = 2}}};
  save("gossip", "summary", body(7, wire::encode_summary(summary)) + body(7, Bytes(37)));
  save("gossip", "summary-of-many", bytes_of({8, 0, 255, 200, 1, 8, 0, 255, 3, 1, 8, 9, 3, 0, 0}));
  const Bytes boot = bytes_of({1, 0, 0, 0, 0, 0, 0, 0});
  save("gossip", "goodbye",
       bytes_of({10, 2, 1, 200, 8}) + boot + bytes_of({10, 2, 1, 200, 8}) + boot);
  save("gossip", "goodbye-of-many",
       bytes_of({10, 5, 1, 200, 8}) + boot + bytes_of({10, 7, 1, 9, 8}) + boot +
           bytes_of({10, 1, 9, 9, 0, 10, 1, 1, 9, 7}) + Bytes(7));
  save("gossip", "vouched", bytes_of({0x13, 2,  0,  255, 63, 100, 100, 100, 100, 100, 100, 0x12, 0,
                                      255,  63, 99, 99,  99, 99,  99,  99,  5,   1,   5,   1}));
  const Bytes object = wire::encode_object_text(
      {.kind = wire::ObjectKind::goodbye, .signer = filled<32>(1), .sequence = 5, .body = boot});
  save("gossip", "object", body(9, object + Bytes(wire::kObjectSignatureSize, 3)));
  save("wire_gossip", "digest", wire::encode_digest(digest));
  save("wire_gossip", "announcement", wire::encode_digest(announcement));
  save("wire_gossip", "summary", wire::encode_summary(summary));
  save("wire_gossip", "want", wire::encode_want({1, 2, 3}));
  save("wire_gossip", "object", object + Bytes(wire::kObjectSignatureSize, 3));
  save("gossip", "knows-nothing", bytes_of({2, 0, 255, 0}));
  save("gossip", "knows-older", bytes_of({2, 0, 255, 63, 1, 2, 3, 4, 5, 6}));
  save("gossip", "knows-newer", bytes_of({2, 0, 255, 63, 200, 201, 100, 99, 202, 203}));
  save("gossip", "in-parts", bytes_of({2, 0, 100, 0, 2, 101, 255, 63, 9, 9, 9, 9, 9, 9}));
  save("gossip", "stranger", bytes_of({0x22, 0, 255, 0, 0x23, 0x22, 0, 255, 0, 0x24, 0x22, 0}));
  save("gossip", "rounds", bytes_of({0x13, 0x26, 5, 61, 5, 61, 4, 0x14, 5, 61, 0x24, 5, 61, 3}));
}

void stun() {
  // One byte what (low half) and which server (high half), then its arguments.
  save("stun_client", "answered",
       bytes_of({0, 4, 0, 1, 0, 0, 0, 1, 2, 196, 9, 4, 0, 1, 0, 0, 0, 1}));
  save("stun_client", "two-ports",
       bytes_of({0, 4, 0, 1, 0, 0x94, 0x0e, 1, 0x14, 0, 1, 0, 0, 0, 1, 2, 0, 9}));
  save("stun_client", "contradiction",
       bytes_of({0, 0x40, 4, 0, 1, 0, 0, 0, 1, 0x44, 0, 2, 0, 0, 0, 1, 4, 0, 3, 0, 0, 0, 1}));
  save("stun_client", "restart",
       bytes_of({0, 4, 0, 1, 0, 0, 0, 1, 2, 196, 9, 2, 10, 0, 4, 0, 1, 0, 0, 0, 2}));
  save("stun_client", "forged",
       bytes_of({0, 0x40, 5, 0, 1, 0, 0, 0, 1, 9, 1, 0x44, 1, 1, 0, 0, 0}));
  save("netcheck", "all-answered", [] {
    Bytes out;
    for (int i = 0; i < 60; ++i)
      for (int back : {0, 1, 2, 3}) out = std::move(out) + bytes_of({2, back, 0, 20, 0});
    return out;
  }());
  save("netcheck", "lies",
       bytes_of({2, 0, 3, 1, 9, 4, 2, 30, 1, 2, 1, 2, 2, 0, 0, 1, 1, 0, 0, 2, 1, 1}));
  save("netcheck", "silence", bytes_of({0, 0, 2, 0, 0, 2, 0, 0, 2, 0, 0, 2, 5, 1, 2, 3, 9, 9, 9}));
  save("stun_client", "silent", bytes_of({0, 2, 10, 0, 2, 20, 0, 2, 0, 9, 3, 2, 0, 9, 1, 2, 0, 9}));
  save("stun_client", "many-ports", [] {
    Bytes out;
    for (int i = 1; i < 50; ++i) out = std::move(out) + bytes_of({0, 4, 0, 1, 0, i, 1, 1, 1});
    return out + bytes_of({3});
  }());
  save("stun_client", "too-many", [] {
    Bytes out;
    for (int i = 16; i < 60; ++i) out = std::move(out) + bytes_of({7, i});
    return out + bytes_of({3});
  }());
  save("stun_client", "too-many-ports", [] {
    Bytes out;
    for (int i = 16; i < 46; ++i) out = std::move(out) + bytes_of({7, i});
    return out + bytes_of({0, 0x10, 4, 0, 1, 0, 9, 1, 1, 0x14, 0, 1, 0, 9, 1, 1, 3});
  }());
  save("stun_client", "answered-twice",
       bytes_of({0, 4, 0, 1, 0, 0, 0, 1, 4, 0, 1, 0, 0, 0, 1, 0x14, 0, 1, 0, 0, 0, 1}));
  save("stun_client", "answered-by-another",
       bytes_of({0, 0x18, 0, 0, 1, 0, 0, 0, 1, 0x10, 0x18, 0, 0, 2, 0, 0, 0, 1}));
  save("stun_client", "garbage", bytes_of({0, 6, 20}) + Bytes(20, 1) + bytes_of({6, 0}));
}

// One byte what: kind (high three bits), flags, session, packet id.
void pieces() {
  const auto crafted = [](int what, int total, int offset, int size) {
    return bytes_of({what, total % 256, total / 256, offset % 256, offset / 256, size, 1, 2});
  };
  const auto honest = [](int what, int size, int limit) {
    return bytes_of({what, size % 256, size / 256, limit % 256, limit / 256, 1, 2, 3, 4});
  };
  save("reassembly", "honest",
       honest(0x50, 1419, 400) + honest(0x51, 65534, 400) + honest(0x54, 1279, 400) +
           honest(0x52, 0, 0));
  save("reassembly", "two-pieces", crafted(0x60, 32, 0, 16) + crafted(0x60, 32, 16, 16));
  save("reassembly", "backwards", crafted(0x61, 40, 32, 8) + crafted(0x61, 40, 0, 32));
  save("reassembly", "padded", crafted(0x60, 17, 0, 16) + crafted(0x60, 17, 16, 1));
  save("reassembly", "overlap",
       crafted(0x60, 64, 0, 32) + crafted(0x60, 64, 24, 16) + crafted(0x60, 64, 32, 32));
  save("reassembly", "duplicate",
       crafted(0x60, 64, 0, 32) + crafted(0x60, 64, 0, 32) + crafted(0x60, 64, 32, 32));
  save("reassembly", "other-size",
       crafted(0x60, 64, 0, 32) + crafted(0x60, 72, 32, 32) + crafted(0x60, 64, 32, 32));
  save("reassembly", "other-kind",
       crafted(0x68, 64, 1, 32) + crafted(0x60, 64, 32, 32) + crafted(0x68, 64, 33, 32));
  save("reassembly", "two-sessions",
       crafted(0x60, 64, 0, 32) + crafted(0x64, 64, 32, 32) + crafted(0x60, 64, 32, 32));
  save("reassembly", "too-late",
       crafted(0x60, 64, 0, 32) + bytes_of({0, 0xd1, 7}) + crafted(0x60, 64, 32, 32));
  save("reassembly", "in-time",
       crafted(0x60, 64, 0, 32) + bytes_of({0, 0xd0, 7}) + crafted(0x60, 64, 32, 32));
  save("reassembly", "memory-full",
       crafted(0x70, 65535, 0, 50) + crafted(0x71, 30000, 0, 50) + crafted(0x72, 30000, 0, 50) +
           crafted(0x73, 10000, 0, 50) + honest(0x44, 20000, 1400));
  save("reassembly", "around",
       crafted(0x70, 30000, 0, 50) + crafted(0x71, 30000, 0, 50) + honest(0x44, 8000, 400) +
           crafted(0x72, 20000, 0, 50) + crafted(0x71, 30000, 10000, 100));
  save("reassembly", "raw", bytes_of({0x20, 12, 1, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3, 4}));
  save("reassembly", "piece-of-pieces", crafted(0x68, 64, 2, 32) + crafted(0x68, 64, 7, 32));
}

// What the DHT's process and its host say.
void dht_link() {
  using namespace dht;
  const Key key{1, 2, 3};
  const Endpoint node{IpAddress::v4({192, 0, 2, 1}), 4000};
  const auto from = [](const FromChild& message) { return bytes_of({0}) + encode(message); };
  const auto to = [](const ToChild& message) { return bytes_of({1}) + encode(message); };
  Picture picture;
  picture.v4 = {State::connected, 1, 2};
  picture.addresses = {node.ip};
  picture.nodes = {node, {IpAddress::v6({0x20, 1}), 5}};
  save("dht_link", "opened", from(Opened{}));
  save("dht_link", "done", from(Ended{Ticket{3}, true}));
  save("dht_link", "found", from(Found{Ticket{2}, 9, {1, 2}}));
  save("dht_link", "state", from(StateChanged{State::connected, State::connecting}));
  save("dht_link", "picture", from(picture));
  save("dht_link", "open", to(Open{}));
  save("dht_link", "put", to(Put{Ticket{1}, key, 2, {3}}));
  save("dht_link", "ping", to(Ping{Ticket{1}, node}));
  save("dht_link", "refused", to(Refused{node, Sent::no_family}));
  Bytes packet{2};
  append_to_packet(packet, encode(ToChild{Look{}}));
  append_to_packet(packet, encode(ToChild{Datagram{node, {0x80}}}));
  append_to_packet(packet, encode(ToChild{TakeBack{key, 1}}));
  save("dht_link", "packet", packet);
  // A life: results of its own requests and of others, and datagrams to whom it may ask.
  Bytes life{3};
  const auto says = [&life](const FromChild& message) {
    const Bytes bytes = encode(message);
    life.push_back(static_cast<std::uint8_t>(bytes.size()));
    life.insert(life.end(), bytes.begin(), bytes.end());
  };
  const Bytes ping = wire::dht_ping(key, 7, kDefaultNetwork);
  says(StateChanged{State::connected, State::disconnected});
  says(Found{Ticket{2}, 1, {1}});
  says(Found{Ticket{2}, 1, {1}});
  says(Found{Ticket{3}, 2, {}});
  says(Ended{Ticket{3}, true});
  says(Ended{Ticket{4}, false});
  says(Ended{Ticket{2}, true});
  says(Datagram{node, ping});
  says(Datagram{{node.ip, 5000}, ping});
  says(Datagram{node, {0x44, 1}});
  save("dht_link", "life", life);
}

}  // namespace
}  // namespace meshnode::fuzz

int main(int argc, char** argv) {
  using namespace meshnode::fuzz;
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  folder = argv[1];
  probes();
  handshakes();
  beacons();
  packets();
  texts();
  control_lines();
  state_files();
  conversations();
  records();
  introductions();
  gossips();
  stun();
  pieces();
  dht_link();
  return 0;
}
