// Nothing is allocated for a packet. A program of its own, since it replaces operator new.
#include "support/counted_new.h"
#include "tests/unit/dataplane_pumps_fixture.h"

namespace meshnode::dataplane {
namespace {

struct CountingSink final : FrameSink {
  void to_tun(std::span<const TunFrame> taken) override { frames += taken.size(); }
  std::size_t frames = 0;
};

struct Allocation : Pumps {
  CountingSink sink;

  // As often as it takes, the same frames anew: sealed, and opened where they were sealed.
  void run(const std::vector<test::OwnedFrame>& originals, std::size_t packets) {
    std::vector<Bytes> buffers;
    std::vector<TunFrame> lent;
    for (const auto& each : originals) buffers.push_back(each.bytes);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      lent.push_back(originals[i].frame);
      lent.back().packet =
          MutableBytes(buffers[i]).subspan(kFrameHeadroom, originals[i].frame.packet.size());
    }
    const auto round = [&] {
      for (std::size_t i = 0; i < buffers.size(); ++i)
        std::copy(originals[i].bytes.begin(), originals[i].bytes.end(), buffers[i].begin());
      sealed.clear();
      opened.clear();
      EXPECT_EQ(tx.pump(lent, kNow, sealed), lent.size());
      rx.pump(sealed.runs, kNow, opened, sink);
    };
    round();  // vectors grow
    const std::uint64_t begin = rx.traffic(kOne).packets;
    const std::size_t before = test::allocations();
    while (rx.traffic(kOne).packets - begin < packets) round();
    EXPECT_EQ(test::allocations() - before, 0U);
    EXPECT_EQ(tx.drops().total() + rx.drops().total(), 0U);
  }
};

TEST_F(Allocation, TheCounterCounts) {
  const std::size_t before = test::allocations();
  const auto one = std::make_unique<int>(1);
  EXPECT_GT(test::allocations(), before);
}

TEST_F(Allocation, NoneForTcpSuperFrames) {
  rx.set_coalescing({});
  std::vector<test::OwnedFrame> frames;
  for (int i = 0; i < 8; ++i) frames.push_back(open_frame({.payload = filled(64'000)}, 1380));
  run(frames, 100'000);
  EXPECT_GT(sink.frames, 1000U);
}

TEST_F(Allocation, NoneForFloodsOfSmallUdp) {
  for (const bool coalescing : {false, true}) {
    rx.set_coalescing({.tcp = coalescing, .udp = coalescing});
    std::vector<test::OwnedFrame> frames;
    for (std::uint16_t i = 0; i < 64; ++i)
      frames.push_back(plain(build({.tcp = false, .id = i, .payload = filled(64)})));
    run(frames, 100'000);
  }
}

TEST_F(Allocation, NoneForPacketsOfManyFlowsAndMembers) {
  rx.set_coalescing({});
  std::vector<test::OwnedFrame> frames;
  for (std::uint16_t i = 0; i < 128; ++i) {
    InnerPacket packet{.v6 = i % 3 == 0, .tcp = i % 5 != 0, .payload = filled(i * 10U)};
    packet.to = i % 4 == 0 ? 4 : 2;
    packet.source_port = static_cast<std::uint16_t>(i % 7);
    frames.push_back(open_frame(packet, 0));
  }
  run(frames, 100'000);
}

}  // namespace
}  // namespace meshnode::dataplane
