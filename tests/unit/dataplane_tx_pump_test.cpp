// From the TUN device to the underlay: routing, sealing, and what the engine is told.
#include <gtest/gtest.h>

#include "dataplane/tx_pump.h"
#include "tests/vectors/hex.h"

namespace meshnode::dataplane {
namespace {

using Kind = PumpEvent::Kind;

constexpr PeerNumber kPeer{1};
constexpr PeerNumber kOther{2};
const IpAddress kOwn = IpAddress::v4({10, 77, 0, 1});
const IpAddress kPeerAddress = IpAddress::v4({10, 77, 0, 2});
const IpAddress kOtherAddress = IpAddress::v4({10, 77, 0, 3});
const Path kPath{{IpAddress::v4({192, 0, 2, 2}), 3731}, IpAddress::v4({192, 0, 2, 1}), 0};
const Secret32 kKey =
    test::hex_secret("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
constexpr TimePoint kStart{hours(1)};

// A UDP packet whose bytes count up behind the header.
Bytes packet_to(const IpAddress& destination, std::size_t size = 28) {
  Bytes out(size);
  for (std::size_t i = 20; i < size; ++i) out[i] = static_cast<std::uint8_t>(i);
  out[0] = 0x45;
  store_be(out.data() + 2, static_cast<std::uint16_t>(size));
  out[8] = 64;
  out[9] = 17;
  std::copy_n(kOwn.bytes().begin(), 4, out.begin() + 12);
  std::copy_n(destination.bytes().begin(), 4, out.begin() + 16);
  return out;
}

std::shared_ptr<const KeySlot> slot(PeerNumber peer, SessionIndex local, SessionIndex remote,
                                    crypto::Cipher cipher = crypto::Cipher::aes_256_gcm) {
  auto out = std::make_shared<KeySlot>();
  out->peer = peer;
  out->local_index = local;
  out->remote_index = remote;
  out->cipher = cipher;
  out->make_cipher = crypto::make_gnutls_cipher;
  out->send_key = kKey;
  return out;
}

struct TxPumpTest : ::testing::Test {
  TxPump pump{1420};
  TxPump::Output out;
  Bytes buffer;  // of the last packet

  void SetUp() override {
    pump.apply(SetRoutes{
        std::make_shared<RouteTable>(RouteTable{{kPeerAddress, kPeer}, {kOtherAddress, kOther}})});
  }
  void add_key(SessionIndex local = 1, SessionIndex remote = 0x0a0b0c0d,
               crypto::Cipher cipher = crypto::Cipher::aes_256_gcm) {
    pump.apply(AddKey{slot(kPeer, local, remote, cipher)});
  }
  void connect() {
    add_key();
    pump.apply(UseKey{kPeer, 1});
    pump.apply(SetPath{kPeer, kPath});
  }
  void send(const Bytes& packet, TimePoint now = kStart) {
    out.clear();
    buffer.assign(kFrameHeadroom, 0xcc);
    buffer.insert(buffer.end(), packet.begin(), packet.end());
    buffer.resize(buffer.size() + kFrameTailroom, 0xcc);
    TunFrame frame;
    frame.packet = MutableBytes(buffer).subspan(kFrameHeadroom, packet.size());
    EXPECT_EQ(pump.pump({&frame, 1}, now, out), 1U);
  }
  void expect_one_event(Kind kind, PeerNumber peer, ByteView bytes) {
    EXPECT_TRUE(out.runs.empty());
    ASSERT_EQ(out.events.size(), 1U);
    EXPECT_EQ(out.events[0].kind, kind);
    EXPECT_EQ(out.events[0].peer, peer);
    EXPECT_EQ(to_bytes(out.events[0].bytes), to_bytes(bytes)) << "the packet, to be staged";
  }
};

TEST_F(TxPumpTest, WhatIsNoPacketIsDropped) {
  connect();
  send(Bytes(20, 0));
  send(Bytes(1, 0x45));
  Bytes cut = packet_to(kPeerAddress);
  cut.pop_back();
  send(cut);
  EXPECT_EQ(pump.drops()[Drop::bad_packet], 3U);
  EXPECT_TRUE(out.runs.empty());
  EXPECT_TRUE(out.events.empty());
}

TEST_F(TxPumpTest, MulticastIsNotCarried) {
  connect();
  send(packet_to(IpAddress::v4({224, 0, 0, 251})));
  EXPECT_EQ(pump.drops()[Drop::multicast], 1U);
  EXPECT_TRUE(out.events.empty());
}

TEST_F(TxPumpTest, RouteMiss) {
  connect();
  const Bytes packet = packet_to(IpAddress::v4({10, 77, 0, 9}));
  send(packet);
  expect_one_event(Kind::no_route, kNoPeer, packet);
}

TEST_F(TxPumpTest, NoKey) {
  pump.apply(SetPath{kPeer, kPath});
  add_key();  // known, but not the one to use
  send(packet_to(kPeerAddress));
  expect_one_event(Kind::no_session, kPeer, packet_to(kPeerAddress));
}

TEST_F(TxPumpTest, NoPath) {
  add_key();
  pump.apply(UseKey{kPeer, 1});
  send(packet_to(kPeerAddress));
  expect_one_event(Kind::no_session, kPeer, packet_to(kPeerAddress));
  pump.apply(SetPath{kPeer, kPath});
  send(packet_to(kPeerAddress));
  EXPECT_EQ(out.runs.size(), 1U);
  pump.apply(SetPath{kPeer, std::nullopt});
  send(packet_to(kPeerAddress));
  expect_one_event(Kind::no_session, kPeer, packet_to(kPeerAddress));
}

TEST_F(TxPumpTest, AMissUsesNoCounter) {
  add_key();
  pump.apply(UseKey{kPeer, 1});
  for (int i = 0; i < 5; ++i) send(packet_to(kPeerAddress));
  pump.apply(SetPath{kPeer, kPath});
  send(packet_to(kPeerAddress));
  ASSERT_EQ(out.runs.size(), 1U);
  EXPECT_EQ(wire::parse_frame_header(out.runs[0].data)->counter, 0U);
}

// The whole frame of a 28-byte packet under the key 00 01 .. 1f; made with another library.
TEST_F(TxPumpTest, GoldenFrameAes) {
  connect();
  pump.set_counter_for_test(1, 0x01020304);
  send(packet_to(kPeerAddress));
  ASSERT_EQ(out.runs.size(), 1U);
  EXPECT_EQ(to_hex(out.runs[0].data),
            "440000000d0c0b0a0403020100000000"                                  // header
            "ee26da2d2a9599f80c518520c8a10565711e061ddca1feb9a2832cbc8f5a6880"  // text
            "44136e7b126950cb9684b1df95adb4cf");
}

TEST_F(TxPumpTest, GoldenFrameChaCha) {
  add_key(1, 0x0a0b0c0d, crypto::Cipher::chacha20_poly1305);
  pump.apply(UseKey{kPeer, 1});
  pump.apply(SetPath{kPeer, kPath});
  pump.set_counter_for_test(1, 0x01020304);
  send(packet_to(kPeerAddress));
  ASSERT_EQ(out.runs.size(), 1U);
  EXPECT_EQ(to_hex(out.runs[0].data),
            "440000000d0c0b0a0403020100000000"                                  // header
            "4e74f810da2ff854b7bb21635e0676da02aba9f7a09c5d5dd86976d1f393cbef"  // text
            "68437fe1126d26646a2adc3f5384d96b");
}

TEST_F(TxPumpTest, RunsGoToThePeersPath) {
  connect();
  send(packet_to(kPeerAddress));
  ASSERT_EQ(out.runs.size(), 1U);
  EXPECT_EQ(out.runs[0].path, kPath);
  EXPECT_EQ(out.runs[0].segment_size, out.runs[0].data.size());
  Path moved = kPath;
  moved.remote.port = 4000;
  pump.apply(SetPath{kPeer, moved});
  send(packet_to(kPeerAddress));
  EXPECT_EQ(out.runs[0].path, moved);
}

TEST_F(TxPumpTest, LengthsArePaddedAndTouchNothingElse) {
  connect();
  for (std::size_t size = 20; size <= 1420; ++size) {
    send(packet_to(kPeerAddress, size));
    ASSERT_EQ(out.runs.size(), 1U);
    const std::size_t padded = wire::padded_size(size, 1420);
    ASSERT_EQ(out.runs[0].data.size(), padded + wire::kFrameOverhead);
    Bytes expected(kFrameHeadroom, 0xcc);
    Writer writer(expected);
    writer.bytes(packet_to(kPeerAddress, size));
    writer.zeros(padded - size);
    expected.resize(kFrameHeadroom + size + kFrameTailroom, 0xcc);
    ASSERT_EQ(buffer, expected) << "a packet of " << size;
  }
}

TEST_F(TxPumpTest, BytesBehindThePacketAreNotSent) {
  connect();
  Bytes packet = packet_to(kPeerAddress, 32);
  packet.resize(60, 0xee);
  send(packet);
  ASSERT_EQ(out.runs.size(), 1U);
  EXPECT_EQ(out.runs[0].data.size(), 32U + wire::kFrameOverhead);
}

TEST_F(TxPumpTest, ActivityIsToldAtMostFiftyTimesASecond) {
  connect();
  int told = 0;
  for (int ms = 0; ms < 2000; ms += 10) {
    send(packet_to(kPeerAddress), kStart + milliseconds(ms));
    for (const PumpEvent& event : out.events) {
      EXPECT_EQ(event.kind, Kind::sent);
      EXPECT_EQ(event.peer, kPeer);
      EXPECT_EQ(ms % 20, 0) << ms;
      ++told;
    }
  }
  EXPECT_EQ(told, 100);
}

TEST_F(TxPumpTest, TheFirstPacketIsToldEvenAtTimeZero) {
  connect();
  send(packet_to(kPeerAddress), TimePoint{});
  EXPECT_EQ(out.events.size(), 1U);
}

TEST_F(TxPumpTest, TrafficCountsInnerPacketsAndBytes) {
  connect();
  send(packet_to(kPeerAddress, 100));
  send(packet_to(kPeerAddress, 21));
  EXPECT_EQ(pump.traffic(kPeer).packets, 2U);
  EXPECT_EQ(pump.traffic(kPeer).bytes, 121U);
  EXPECT_EQ(pump.traffic(kOther).packets, 0U);
}

TEST_F(TxPumpTest, ControlFramesGoUnderTheSameKeyButAreNoActivity) {
  connect();
  send(packet_to(kPeerAddress));
  out.clear();
  Bytes control(wire::kFrameOverhead + 4 + wire::kMaxPadding, 0xcc);
  std::fill_n(control.begin() + wire::kFrameHeaderSize, 4, std::uint8_t{0});
  ASSERT_TRUE(pump.seal_control(kPeer, control, 4, out));
  ASSERT_EQ(out.runs.size(), 1U);
  const auto header = wire::parse_frame_header(out.runs[0].data);
  EXPECT_EQ(header->kind, wire::FrameKind::control);
  EXPECT_EQ(header->counter, 1U) << "one counter for both kinds";
  EXPECT_EQ(out.runs[0].data.size(), 16U + wire::kFrameOverhead);
  EXPECT_TRUE(out.events.empty());
  EXPECT_EQ(pump.traffic(kPeer).packets, 1U);
  const auto text = crypto::open(crypto::Cipher::aes_256_gcm, kKey, crypto::counter_nonce(1),
                                 out.runs[0].data.first(wire::kFrameHeaderSize),
                                 out.runs[0].data.subspan(wire::kFrameHeaderSize));
  EXPECT_EQ(text, Bytes(16, 0)) << "padding is zeros, whatever lay in the buffer";
}

TEST_F(TxPumpTest, ControlFramesWantKeyAndPath) {
  Bytes control(wire::kFrameOverhead + 4 + wire::kMaxPadding);
  EXPECT_FALSE(pump.seal_control(kPeer, control, 4, out));
  pump.apply(SetPath{kPeer, kPath});
  EXPECT_FALSE(pump.seal_control(kPeer, control, 4, out));
  add_key();
  pump.apply(UseKey{kPeer, 1});
  EXPECT_TRUE(pump.seal_control(kPeer, control, 4, out));
  pump.apply(SetPath{kPeer, std::nullopt});
  EXPECT_FALSE(pump.seal_control(kPeer, control, 4, out));
  EXPECT_EQ(out.runs.size(), 1U);
}

TEST_F(TxPumpTest, ANewKeyTakesOverAndTheOldOneStillStands) {
  connect();
  add_key(2, 0x22222222);
  send(packet_to(kPeerAddress));
  EXPECT_EQ(wire::parse_frame_header(out.runs[0].data)->receiver, 0x0a0b0c0dU);
  pump.apply(UseKey{kPeer, 2});
  send(packet_to(kPeerAddress));
  EXPECT_EQ(wire::parse_frame_header(out.runs[0].data)->receiver, 0x22222222U);
  pump.apply(DropKey{1});
  send(packet_to(kPeerAddress));
  EXPECT_EQ(out.runs.size(), 1U) << "dropping the old key does not touch the new one";
}

TEST_F(TxPumpTest, DroppedKeysAndPeersSendNothing) {
  connect();
  pump.apply(DropKey{1});
  send(packet_to(kPeerAddress));
  expect_one_event(Kind::no_session, kPeer, packet_to(kPeerAddress));
  pump.apply(DropKey{1});   // twice does no harm
  pump.apply(DropKey{77});  // nor does a key that never was

  add_key();
  pump.apply(UseKey{kPeer, 1});
  pump.apply(DropPeer{kPeer});
  send(packet_to(kPeerAddress));
  expect_one_event(Kind::no_session, kPeer, packet_to(kPeerAddress));
  EXPECT_EQ(pump.traffic(kPeer).packets, 0U);
}

}  // namespace
}  // namespace meshnode::dataplane
