// From the underlay to the TUN device: what is refused, what is told. Frames are sealed here by
// hand, one at a time, not by the TX pump.
#include <gtest/gtest.h>

#include "dataplane/rx_pump.h"
#include "tests/support/frame_collector.h"
#include "tests/vectors/hex.h"

namespace meshnode::dataplane {
namespace {

using Kind = PumpEvent::Kind;

constexpr PeerNumber kPeer{1};
constexpr SessionIndex kSession = 0x01020304;
constexpr TimePoint kStart{hours(1)};
const IpAddress kOwn = IpAddress::v4({10, 77, 0, 1});
const IpAddress kTheirs = IpAddress::v4({10, 77, 0, 2});
const Path kPath{{IpAddress::v4({192, 0, 2, 2}), 3731}, IpAddress::v4({192, 0, 2, 1}), 0};
const Secret32 kKey =
    test::hex_secret("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

Bytes packet(const IpAddress& from = kTheirs, const IpAddress& to = kOwn, std::size_t size = 32) {
  Bytes out(size);
  out[0] = 0x45;
  store_be(out.data() + 2, static_cast<std::uint16_t>(size));
  std::copy_n(from.bytes().begin(), 4, out.begin() + 12);
  std::copy_n(to.bytes().begin(), 4, out.begin() + 16);
  return out;
}

Bytes seal(wire::FrameHeader header, ByteView text) {
  header.receiver = kSession;
  Bytes out(wire::kFrameHeaderSize);
  wire::write_frame_header(out.data(), header);
  const Bytes sealed = crypto::seal(crypto::Cipher::aes_256_gcm, kKey,
                                    crypto::counter_nonce(header.counter), out, text);
  Writer(out).bytes(sealed);
  return out;
}

Bytes data_frame(std::uint64_t counter) {
  return seal({.counter = counter}, packet());
}
Bytes control_frame(std::uint64_t counter) {
  return seal({.kind = wire::FrameKind::control, .counter = counter}, Bytes(16, 0));
}

struct RxPumpTest : ::testing::Test {
  RxPump pump;
  RxPump::Output out;
  test::FrameCollector tun;
  Bytes buffer;

  void SetUp() override {
    pump.apply(SetOwnAddresses{std::make_shared<AddressSet>(AddressSet{kOwn})});
    pump.apply(SetSources{kPeer, std::make_shared<AddressSet>(AddressSet{kTheirs})});
    pump.apply(SetPath{kPeer, kPath});
    add_key(false);
  }
  void add_key(bool report_first_data) {
    auto slot = std::make_shared<KeySlot>();
    slot->peer = kPeer;
    slot->local_index = kSession;
    slot->make_cipher = crypto::make_gnutls_cipher;
    slot->receive_key = kKey;
    slot->report_first_data = report_first_data;
    pump.apply(AddKey{std::move(slot)});
  }
  void receive(Bytes datagram, TimePoint now = kStart, const Path& path = kPath) {
    out.clear();
    tun.clear();
    buffer = std::move(datagram);
    const DatagramRun run{path, buffer, buffer.size()};
    pump.pump({&run, 1}, now, out, tun);
  }
  int told(Kind kind) const {
    return static_cast<int>(std::count_if(out.events.begin(), out.events.end(),
                                          [&](const PumpEvent& e) { return e.kind == kind; }));
  }
  void expect_only_drop(Drop reason, std::uint64_t n = 1) {
    EXPECT_EQ(pump.drops()[reason], n) << name(reason);
    EXPECT_EQ(pump.drops().total(), n);
    EXPECT_TRUE(tun.frames.empty());
    EXPECT_TRUE(out.passed.empty());
  }
};

TEST_F(RxPumpTest, DeliversAPacket) {
  const Bytes frame = data_frame(0);
  receive(frame);
  EXPECT_EQ(tun.packets(), std::vector<Bytes>{packet()});
  EXPECT_EQ(buffer, frame) << "opened to another place";
  EXPECT_EQ(pump.drops().total(), 0U);
}

TEST_F(RxPumpTest, EachFirstByteGoesWhereItBelongs) {
  for (unsigned first = 0; first < 256; ++first) {
    const auto byte = static_cast<std::uint8_t>(first);
    if (byte == 0x44) continue;
    RxPump fresh;
    Bytes datagram(100, byte);
    const DatagramRun run{kPath, datagram, datagram.size()};
    out.clear();
    fresh.pump({&run, 1}, kStart, out, tun);
    const auto protocol = wire::protocol_of(byte);
    if (protocol == wire::Protocol::unknown) {
      EXPECT_TRUE(out.passed.empty());
      EXPECT_EQ(fresh.drops()[Drop::unknown_type], 1U);
      continue;
    }
    ASSERT_EQ(out.passed.size(), 1U) << first;
    EXPECT_EQ(out.passed[0].protocol, protocol);
    EXPECT_EQ(out.passed[0].path, kPath);
    EXPECT_EQ(out.passed[0].datagram.data(), datagram.data());
    EXPECT_EQ(fresh.drops().total(), 0U);
  }
}

TEST_F(RxPumpTest, FramesTooShortAreMalformed) {
  for (std::size_t size = 1; size < wire::kFrameOverhead; ++size) receive(Bytes(size, 0x44));
  expect_only_drop(Drop::malformed, wire::kFrameOverhead - 1);
}

TEST_F(RxPumpTest, UnknownSession) {
  Bytes frame = data_frame(0);
  frame[4] ^= 1;
  receive(frame);
  expect_only_drop(Drop::unknown_session);
}

TEST_F(RxPumpTest, AnyChangedByteIsDroppedAndMarksNothing) {
  const Bytes genuine = data_frame(7);
  std::uint64_t forged = 0;
  for (std::size_t at = 0; at < genuine.size(); ++at) {
    if (at == 0 || (at >= 4 && at < 8)) continue;  // another type or session, tested above
    Bytes changed = genuine;
    changed[at] ^= 0x10;
    receive(changed);
    ++forged;
    ASSERT_EQ(pump.drops()[Drop::auth_failed], forged) << "byte " << at;
    ASSERT_TRUE(tun.frames.empty());
    ASSERT_TRUE(out.events.empty());
  }
  EXPECT_EQ(pump.drops().total(), forged);
  receive(genuine);
  EXPECT_EQ(tun.frames.size(), 1U) << "the genuine frame was not used up by the forged ones";
}

TEST_F(RxPumpTest, AForgedCounterDoesNotMoveTheWindow) {
  Bytes far = data_frame(1);
  store_le(far.data() + 8, std::uint64_t{1} << 40);
  receive(far);
  EXPECT_EQ(pump.drops()[Drop::auth_failed], 1U);
  receive(data_frame(0));
  EXPECT_EQ(tun.frames.size(), 1U);
}

TEST_F(RxPumpTest, TruncatedFramesFail) {
  const Bytes genuine = data_frame(3);
  for (std::size_t size = wire::kFrameOverhead; size < genuine.size(); ++size)
    receive(Bytes(genuine.begin(), genuine.begin() + static_cast<std::ptrdiff_t>(size)));
  expect_only_drop(Drop::auth_failed, genuine.size() - wire::kFrameOverhead);
  receive(genuine);
  EXPECT_EQ(tun.frames.size(), 1U);
}

TEST_F(RxPumpTest, UnknownKindsAndFlagsAreUnsupported) {
  std::uint64_t counter = 0;
  for (unsigned kind = 3; kind < 256; ++kind)
    receive(seal({.kind = static_cast<wire::FrameKind>(kind), .counter = counter++}, packet()));
  for (unsigned bit = 0; bit < 16; ++bit)
    receive(seal({.flags = static_cast<std::uint16_t>(1U << bit), .counter = counter++}, packet()));
  expect_only_drop(Drop::unsupported, counter);
  EXPECT_TRUE(out.events.empty());
  receive(data_frame(0));
  EXPECT_EQ(pump.drops()[Drop::replayed], 1U) << "they were authentic: their counters are used";
}

TEST_F(RxPumpTest, WhatIsNoPacketIsDropped) {
  receive(seal({.counter = 0}, {}));
  receive(seal({.counter = 1}, Bytes(32, 0)));
  Bytes longer_than_it_is = packet();
  longer_than_it_is[3] = 33;
  receive(seal({.counter = 2}, longer_than_it_is));
  expect_only_drop(Drop::bad_packet, 3);
}

TEST_F(RxPumpTest, PaddingIsTakenOffUpToFifteenBytes) {
  for (std::size_t padding = 0; padding <= 16; ++padding) {
    Bytes text = packet();
    text.resize(text.size() + padding);
    receive(seal({.counter = padding}, text));
    if (padding == 16) break;
    ASSERT_EQ(tun.packets(), std::vector<Bytes>{packet()});
  }
  expect_only_drop(Drop::bad_packet);
}

TEST_F(RxPumpTest, SourceMustBeThePeers) {
  receive(seal({.counter = 0}, packet(kOwn)));
  expect_only_drop(Drop::spoofed_source);
  pump.apply(SetSources{kPeer, std::make_shared<AddressSet>(AddressSet{kOwn})});
  receive(data_frame(1));
  expect_only_drop(Drop::spoofed_source, 2);
  EXPECT_EQ(pump.traffic(kPeer).packets, 0U);
}

TEST_F(RxPumpTest, DestinationMustBeOurs) {
  receive(seal({.counter = 0}, packet(kTheirs, kTheirs)));
  expect_only_drop(Drop::foreign_destination);
}

TEST_F(RxPumpTest, NothingIsDeliveredBeforeAddressesAreKnown) {
  RxPump fresh;
  auto slot = std::make_shared<KeySlot>();
  slot->peer = kPeer;
  slot->local_index = kSession;
  slot->make_cipher = crypto::make_gnutls_cipher;
  slot->receive_key = kKey;
  fresh.apply(AddKey{slot});
  Bytes frame = data_frame(0);
  const DatagramRun run{kPath, frame, frame.size()};
  fresh.pump({&run, 1}, kStart, out, tun);
  EXPECT_TRUE(tun.frames.empty());
  EXPECT_EQ(fresh.drops()[Drop::spoofed_source], 1U);
}

TEST_F(RxPumpTest, ControlFramesBecomeEvents) {
  receive(seal({.kind = wire::FrameKind::control, .counter = 0}, Bytes{1, 0, 0, 0}));
  EXPECT_TRUE(tun.frames.empty());
  ASSERT_EQ(told(Kind::control), 1);
  const PumpEvent& event = out.events.back();
  EXPECT_EQ(event.kind, Kind::control);
  EXPECT_EQ(event.peer, kPeer);
  EXPECT_EQ(event.session, kSession);
  EXPECT_EQ(event.path, kPath);
  EXPECT_EQ(to_bytes(event.bytes), (Bytes{1, 0, 0, 0}));
  EXPECT_EQ(pump.traffic(kPeer).packets, 0U);
}

TEST_F(RxPumpTest, FirstDataIsToldOnceAndOnlyWhereAsked) {
  receive(data_frame(0));
  EXPECT_EQ(told(Kind::first_data), 0);
  pump.apply(DropKey{kSession});
  add_key(true);
  Bytes forged = data_frame(0);
  forged.back() ^= 1;
  receive(forged);
  EXPECT_EQ(told(Kind::first_data), 0) << "only what authenticates confirms a session";
  receive(control_frame(1));
  ASSERT_EQ(told(Kind::first_data), 1);
  EXPECT_EQ(out.events.front().kind, Kind::first_data) << "before anything else of this session";
  EXPECT_EQ(out.events.front().session, kSession);
  EXPECT_EQ(out.events.front().path, kPath);
  receive(data_frame(2));
  EXPECT_EQ(told(Kind::first_data), 0);
}

TEST_F(RxPumpTest, ActivityIsToldAtMostFiftyTimesASecondPerKind) {
  int inner = 0;
  int other = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const milliseconds at(10 * static_cast<std::int64_t>(i / 2));
    receive(i % 2 == 0 ? data_frame(i) : control_frame(i), kStart + at);
    for (const PumpEvent& event : out.events) {
      if (event.kind != Kind::received) continue;
      (event.inner_data ? inner : other) += 1;
      EXPECT_EQ(event.peer, kPeer);
      EXPECT_EQ(at.count() % 20, 0);
    }
  }
  EXPECT_EQ(inner, 50) << "at 0, 20, 40 … 980 ms";
  EXPECT_EQ(other, 50) << "control frames hide no inner data, nor the other way round";
}

TEST_F(RxPumpTest, AnotherEndpointIsToldAtMostTenTimesASecond) {
  Path moved = kPath;
  moved.remote.port = 4000;
  int times = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    receive(data_frame(i), kStart + milliseconds(10 * static_cast<std::int64_t>(i)), moved);
    times += told(Kind::new_endpoint);
    for (const PumpEvent& event : out.events) EXPECT_EQ(event.path, moved);
    EXPECT_EQ(tun.frames.size(), 1U) << "the packet itself is welcome from anywhere";
  }
  EXPECT_EQ(times, 10);
}

TEST_F(RxPumpTest, OurOwnAddressIsNoPartOfTheirEndpoint) {
  Path other_local = kPath;
  other_local.local = IpAddress::v4({192, 0, 2, 77});
  receive(data_frame(0), kStart, other_local);
  EXPECT_EQ(told(Kind::new_endpoint), 0);
  Path other_scope = kPath;
  other_scope.scope = 3;
  receive(data_frame(1), kStart, other_scope);
  EXPECT_EQ(told(Kind::new_endpoint), 1);
}

TEST_F(RxPumpTest, WithoutAPathThereIsNoOtherEndpoint) {
  pump.apply(SetPath{kPeer, std::nullopt});
  receive(data_frame(0));
  EXPECT_EQ(told(Kind::new_endpoint), 0);
}

TEST_F(RxPumpTest, DroppedKeysAndPeersReceiveNothing) {
  pump.apply(DropKey{kSession});
  receive(data_frame(0));
  expect_only_drop(Drop::unknown_session);
  add_key(false);
  receive(data_frame(0));
  EXPECT_EQ(tun.frames.size(), 1U) << "a new session has a new window";
  pump.apply(DropPeer{kPeer});
  EXPECT_EQ(pump.traffic(kPeer).packets, 0U);
  receive(data_frame(1));
  EXPECT_TRUE(tun.frames.empty());
  EXPECT_EQ(pump.drops()[Drop::spoofed_source], 1U);
}

}  // namespace
}  // namespace meshnode::dataplane
