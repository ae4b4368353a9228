// Counters: each is used once, and keys wear out.
#include <set>

#include <gtest/gtest.h>

#include "dataplane/tx_pump.h"

namespace meshnode::dataplane {
namespace {

using Kind = PumpEvent::Kind;

constexpr PeerNumber kPeer{1};
constexpr TimePoint kStart{hours(1)};
const IpAddress kAddress = IpAddress::v4({10, 77, 0, 2});

struct Wear : ::testing::Test {
  TxPump pump{1420};
  TxPump::Output out;
  Bytes buffer;

  void SetUp() override {
    pump.apply(SetRoutes{std::make_shared<RouteTable>(RouteTable{{kAddress, kPeer}})});
    pump.apply(SetPath{kPeer, Path{{IpAddress::v4({192, 0, 2, 2}), 3731}, {}, 0}});
    use_new_key(1);
  }
  void use_new_key(SessionIndex index) {
    auto slot = std::make_shared<KeySlot>();
    slot->peer = kPeer;
    slot->local_index = index;
    slot->remote_index = 100 + index;
    slot->make_cipher = crypto::make_gnutls_cipher;
    pump.apply(AddKey{std::move(slot)});
    pump.apply(UseKey{kPeer, index});
  }
  void send() {
    out.clear();
    buffer.assign(kFrameHeadroom + 20 + kFrameTailroom, 0);
    TunFrame frame;
    frame.packet = MutableBytes(buffer).subspan(kFrameHeadroom, 20);
    frame.packet[0] = 0x45;
    frame.packet[3] = 20;
    std::copy_n(kAddress.bytes().begin(), 4, frame.packet.begin() + 16);
    pump.pump({&frame, 1}, kStart, out);
  }
  bool send_control() {
    out.clear();
    buffer.assign(wire::kFrameOverhead + 4 + wire::kMaxPadding, 0);
    return pump.seal_control(kPeer, buffer, 4, out);
  }
  std::uint64_t counter() const {
    return out.runs.size() == 1 ? wire::parse_frame_header(out.runs[0].data)->counter : 0;
  }
  int told(Kind kind) const {
    return static_cast<int>(std::count_if(out.events.begin(), out.events.end(),
                                          [&](const PumpEvent& e) { return e.kind == kind; }));
  }
};

TEST_F(Wear, TenThousandPacketsUseEachCounterOnce) {
  std::set<std::uint64_t> used;
  for (int i = 0; i < 10'000; ++i) {
    send();
    ASSERT_EQ(out.runs.size(), 1U);
    ASSERT_TRUE(used.insert(counter()).second) << "packet " << i;
    if (i % 100 != 0) continue;
    ASSERT_TRUE(send_control());
    ASSERT_TRUE(used.insert(counter()).second) << "control after packet " << i;
  }
  EXPECT_EQ(used.size(), 10'100U);
  EXPECT_EQ(*used.begin(), 0U);
  EXPECT_EQ(*used.rbegin(), 10'099U);
}

TEST_F(Wear, ManyFramesInOneCallUseEachCounterOnce) {
  constexpr std::size_t kFrames = 64;
  std::vector<Bytes> buffers(kFrames, Bytes(kFrameHeadroom + 20 + kFrameTailroom));
  std::vector<TunFrame> frames(kFrames);
  for (std::size_t i = 0; i < kFrames; ++i) {
    frames[i].packet = MutableBytes(buffers[i]).subspan(kFrameHeadroom, 20);
    frames[i].packet[0] = 0x45;
    frames[i].packet[3] = 20;
    std::copy_n(kAddress.bytes().begin(), 4, frames[i].packet.begin() + 16);
  }
  pump.pump(frames, kStart, out);
  ASSERT_EQ(out.runs.size(), 1U);
  ASSERT_EQ(out.runs[0].data.size(), kFrames * out.runs[0].segment_size);
  for (std::size_t i = 0; i < kFrames; ++i)
    EXPECT_EQ(
        wire::parse_frame_header(out.runs[0].data.subspan(i * out.runs[0].segment_size))->counter,
        i);
}

TEST_F(Wear, EachKeyHasItsOwnCounter) {
  for (int i = 0; i < 3; ++i) send();
  use_new_key(2);
  send();
  EXPECT_EQ(counter(), 0U);
  pump.apply(UseKey{kPeer, 1});
  send();
  EXPECT_EQ(counter(), 3U) << "going back to a key does not go back in its counters";
}

TEST_F(Wear, AWornKeyIsToldOnceAndStillWorks) {
  pump.set_counter_for_test(1, TxPump::kWornCounter - 1);
  send();
  EXPECT_EQ(told(Kind::key_worn), 0);
  send();
  ASSERT_EQ(told(Kind::key_worn), 1);
  const auto event = std::find_if(out.events.begin(), out.events.end(),
                                  [](const PumpEvent& e) { return e.kind == Kind::key_worn; });
  EXPECT_EQ(event->peer, kPeer);
  EXPECT_EQ(event->session, 1U);
  EXPECT_EQ(counter(), TxPump::kWornCounter);
  for (std::uint64_t i = 1; i <= 10; ++i) {
    send();
    EXPECT_EQ(told(Kind::key_worn), 0);
    EXPECT_EQ(counter(), TxPump::kWornCounter + i);
  }
}

TEST_F(Wear, AControlFrameTellsOfWearToo) {
  pump.set_counter_for_test(1, TxPump::kWornCounter);
  ASSERT_TRUE(send_control());
  EXPECT_EQ(told(Kind::key_worn), 1);
}

TEST_F(Wear, TheLastCounterIsTheEnd) {
  pump.set_counter_for_test(1, TxPump::kLastCounter - 1);
  send();
  EXPECT_EQ(counter(), TxPump::kLastCounter - 1);
  for (int i = 1; i <= 3; ++i) {
    send();
    EXPECT_TRUE(out.runs.empty());
    EXPECT_EQ(told(Kind::no_session), 1) << "the packet may wait for the next key";
    EXPECT_EQ(pump.drops()[Drop::key_worn_out], static_cast<std::uint64_t>(i));
  }
  EXPECT_FALSE(send_control());
  EXPECT_TRUE(out.runs.empty());
}

TEST_F(Wear, ANewKeyBeginsANewLife) {
  pump.set_counter_for_test(1, TxPump::kLastCounter);
  send();
  ASSERT_TRUE(out.runs.empty());
  use_new_key(2);
  send();
  EXPECT_EQ(out.runs.size(), 1U);
  EXPECT_EQ(counter(), 0U);
}

}  // namespace
}  // namespace meshnode::dataplane
