// Through both pumps: what goes in at one end comes out at the other, once.
#include <gtest/gtest.h>

#include "dataplane/rx_pump.h"
#include "dataplane/tx_pump.h"
#include "tests/support/frame_collector.h"
#include "tests/support/seeded_random.h"

namespace meshnode::dataplane {
namespace {

constexpr TimePoint kStart{hours(1)};
constexpr std::size_t kMtu = 1420;
const IpAddress kSender = IpAddress::v4({10, 77, 0, 1});
const IpAddress kReceiver = IpAddress::v4({10, 77, 0, 2});
const IpAddress kSender6 = *IpAddress::parse("fd00::1");
const IpAddress kReceiver6 = *IpAddress::parse("fd00::2");
const Path kPath{{IpAddress::v4({192, 0, 2, 1}), 3731}, {}, 0};

// One sender with several sessions to one receiver.
struct Tunnel : ::testing::Test {
  TxPump tx{kMtu};
  RxPump rx;
  TxPump::Output sealed;
  RxPump::Output opened;
  test::FrameCollector tun;
  test::SeededRandom random{1};

  void SetUp() override {
    tx.apply(SetRoutes{std::make_shared<RouteTable>(
        RouteTable{{kReceiver, PeerNumber{1}}, {kReceiver6, PeerNumber{1}}})});
    tx.apply(SetPath{PeerNumber{1}, kPath});
    rx.apply(SetOwnAddresses{std::make_shared<AddressSet>(AddressSet{kReceiver, kReceiver6})});
    rx.apply(
        SetSources{PeerNumber{1}, std::make_shared<AddressSet>(AddressSet{kSender, kSender6})});
    add_session(1, crypto::Cipher::aes_256_gcm);
    add_session(2, crypto::Cipher::chacha20_poly1305);
    use(1);
  }
  void add_session(SessionIndex index, crypto::Cipher cipher) {
    KeySlot slot;
    slot.peer = PeerNumber{1};
    slot.local_index = slot.remote_index = index;
    slot.cipher = cipher;
    slot.make_cipher = crypto::make_gnutls_cipher;
    slot.send_key = slot.receive_key = random.secret<32>();
    const auto shared = std::make_shared<const KeySlot>(slot);
    tx.apply(AddKey{shared});
    rx.apply(AddKey{shared});
  }
  void use(SessionIndex index) { tx.apply(UseKey{PeerNumber{1}, index}); }

  Bytes packet(std::size_t size, bool v6 = false) {
    Bytes out(size);
    random.fill(out);
    const std::size_t at = v6 ? 8 : 12;
    const auto& from = v6 ? kSender6 : kSender;
    const auto& to = v6 ? kReceiver6 : kReceiver;
    const auto length = static_cast<std::ptrdiff_t>(from.bytes().size());
    out[0] = v6 ? 0x60 : 0x45;
    store_be(out.data() + (v6 ? 4 : 2), static_cast<std::uint16_t>(v6 ? size - 40 : size));
    const auto place = out.begin() + static_cast<std::ptrdiff_t>(at);
    std::copy(from.bytes().begin(), from.bytes().end(), place);
    std::copy(to.bytes().begin(), to.bytes().end(), place + length);
    return out;
  }
  Bytes seal(const Bytes& inner) {
    Bytes buffer(kFrameHeadroom + inner.size() + kFrameTailroom);
    std::copy(inner.begin(), inner.end(), buffer.begin() + kFrameHeadroom);
    TunFrame frame;
    frame.packet = MutableBytes(buffer).subspan(kFrameHeadroom, inner.size());
    sealed.clear();
    tx.pump({&frame, 1}, kStart, sealed);
    return sealed.runs.size() == 1 ? to_bytes(sealed.runs[0].data) : Bytes{};
  }
  // Datagrams end to end in one buffer, as the kernel coalesces them; opened in place.
  std::vector<Bytes> open(Bytes data, std::size_t segment_size) {
    const DatagramRun run{kPath, data, segment_size};
    return open_runs({&run, 1});
  }
  std::vector<Bytes> open_each(std::vector<Bytes> datagrams) {
    std::vector<DatagramRun> runs;
    for (Bytes& datagram : datagrams) runs.push_back({kPath, datagram, datagram.size()});
    return open_runs(runs);
  }
  std::vector<Bytes> open_runs(std::span<const DatagramRun> runs) {
    opened.clear();
    tun.clear();
    rx.pump(runs, kStart, opened, tun);
    return tun.packets();
  }
};

TEST_F(Tunnel, IsIdentityForEverySizeFamilyAndCipher) {
  for (const SessionIndex session : {1U, 2U}) {
    use(session);
    for (const bool v6 : {false, true})
      for (std::size_t size = v6 ? 40 : 20; size <= kMtu; ++size) {
        const Bytes inner = packet(size, v6);
        const Bytes datagram = seal(inner);
        ASSERT_LE(datagram.size(), kMtu + wire::kFrameOverhead);
        ASSERT_EQ(open(datagram, datagram.size()), std::vector<Bytes>{inner}) << size;
      }
  }
  EXPECT_EQ(rx.drops().total(), 0U);
  EXPECT_EQ(rx.traffic(PeerNumber{1}).packets, tx.traffic(PeerNumber{1}).packets);
  EXPECT_EQ(rx.traffic(PeerNumber{1}).bytes, tx.traffic(PeerNumber{1}).bytes);
}

TEST_F(Tunnel, EqualPacketsLookDifferent) {
  const Bytes inner = packet(100);
  const Bytes one = seal(inner);
  const Bytes two = seal(inner);
  EXPECT_FALSE(std::equal(one.begin() + 16, one.end(), two.begin() + 16));
}

TEST_F(Tunnel, RunsOfSegmentsWithAShortTail) {
  for (const std::size_t count : {1U, 2U, 63U, 64U, 65U, 130U})
    for (const std::size_t tail : {0U, 20U, 200U}) {
      std::vector<Bytes> inner;
      Bytes data;
      for (std::size_t i = 0; i < count; ++i) inner.push_back(packet(400));
      if (tail > 0) inner.push_back(packet(tail));
      std::size_t segment = 0;
      for (const Bytes& one : inner) {
        const Bytes datagram = seal(one);
        segment = std::max(segment, datagram.size());
        data.insert(data.end(), datagram.begin(), datagram.end());
      }
      EXPECT_EQ(open(data, segment), inner) << count << " segments, tail " << tail;
    }
  EXPECT_EQ(rx.drops().total(), 0U);
}

TEST_F(Tunnel, ATailTooShortIsNotReadBeyond) {
  Bytes data = seal(packet(400));
  const std::size_t segment = data.size();
  data.push_back(0x44);
  EXPECT_EQ(open(data, segment).size(), 1U);
  EXPECT_EQ(rx.drops()[Drop::malformed], 1U);
}

TEST_F(Tunnel, ARunMayMixSessionsMessagesAndNoise) {
  const Bytes first = packet(100);
  const Bytes second = packet(100);
  const Bytes third = packet(100);
  use(1);
  const Bytes a = seal(first);
  use(2);
  const Bytes b = seal(second);
  use(1);
  const Bytes c = seal(third);
  const Bytes probe(a.size(), 0x43);
  const Bytes noise(a.size(), 0x66);
  Bytes stranger = seal(packet(100));
  stranger[4] ^= 0x40;
  Bytes data;
  for (const Bytes& part : {a, probe, b, noise, stranger, c})
    data.insert(data.end(), part.begin(), part.end());
  EXPECT_EQ(open(data, a.size()), (std::vector<Bytes>{first, second, third}));
  EXPECT_EQ(opened.passed.size(), 1U);
  EXPECT_EQ(rx.drops()[Drop::unknown_type], 1U);
  EXPECT_EQ(rx.drops()[Drop::unknown_session], 1U);
  EXPECT_EQ(rx.drops().total(), 2U);
}

TEST_F(Tunnel, SessionsMayAlternate) {
  std::vector<Bytes> inner;
  std::vector<Bytes> datagrams;
  for (SessionIndex i = 0; i < 150; ++i) {
    use(1 + i % 2);
    inner.push_back(packet(20 + i));
    datagrams.push_back(seal(inner.back()));
  }
  EXPECT_EQ(open_each(datagrams), inner) << "in the order of arrival";
}

TEST_F(Tunnel, OneSessionOverTwoPathsInOneCall) {
  const Bytes first = packet(50);
  const Bytes second = packet(60);
  Bytes a = seal(first);
  Bytes b = seal(second);
  Path moved = kPath;
  moved.remote.port = 4000;
  rx.apply(SetPath{PeerNumber{1}, kPath});
  const DatagramRun runs[] = {{kPath, a, a.size()}, {moved, b, b.size()}};
  EXPECT_EQ(open_runs(runs), (std::vector<Bytes>{first, second}));
  ASSERT_EQ(opened.events.size(), 2U);
  EXPECT_EQ(opened.events[0].kind, PumpEvent::Kind::received);
  EXPECT_EQ(opened.events[0].path, kPath);
  EXPECT_EQ(opened.events[1].kind, PumpEvent::Kind::new_endpoint);
  EXPECT_EQ(opened.events[1].path, moved) << "each frame counts for the path that it came on";
}

TEST_F(Tunnel, ReplaysWithinOneBatchAreDeliveredOnce) {
  const Bytes inner = packet(100);
  const Bytes datagram = seal(inner);
  EXPECT_EQ(open_each({datagram, datagram, datagram}), std::vector<Bytes>{inner});
  EXPECT_EQ(rx.drops()[Drop::replayed], 2U);
  EXPECT_EQ(rx.traffic(PeerNumber{1}).packets, 1U);
}

TEST_F(Tunnel, ReplaysInLaterBatchesAreDeliveredNever) {
  const Bytes datagram = seal(packet(100));
  EXPECT_EQ(open_each({datagram}).size(), 1U);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open_each({datagram}).empty());
  EXPECT_EQ(rx.drops()[Drop::replayed], 3U);
}

TEST_F(Tunnel, AForgeryBesideTheGenuineFrameInOneBatch) {
  const Bytes inner = packet(100);
  const Bytes genuine = seal(inner);
  Bytes forged = genuine;
  forged.back() ^= 1;
  EXPECT_EQ(open_each({forged, genuine, forged}), std::vector<Bytes>{inner});
  EXPECT_EQ(rx.drops()[Drop::auth_failed] + rx.drops()[Drop::replayed], 2U);
}

TEST_F(Tunnel, ReorderingWithinTheWindowLosesNothing) {
  constexpr std::size_t kCount = RxPump::kWindowBits - 64;
  std::vector<Bytes> datagrams;
  for (std::size_t i = 0; i < kCount; ++i) datagrams.push_back(seal(packet(20)));
  std::reverse(datagrams.begin(), datagrams.end());
  EXPECT_EQ(open_each(datagrams).size(), kCount);
  EXPECT_EQ(rx.drops().total(), 0U);
}

TEST_F(Tunnel, FramesBeyondTheWindowAreTooOld) {
  const Bytes first = seal(packet(20));
  Bytes last;
  for (std::size_t i = 0; i < RxPump::kWindowBits; ++i) last = seal(packet(20));
  EXPECT_EQ(open_each({last}).size(), 1U);
  EXPECT_TRUE(open_each({first}).empty());
  EXPECT_EQ(rx.drops()[Drop::replayed], 1U);
}

TEST_F(Tunnel, NeitherSessionOpensTheOthersFrames) {
  Bytes datagram = seal(packet(100));
  datagram[4] = 2;
  EXPECT_TRUE(open_each({datagram}).empty());
  EXPECT_EQ(rx.drops()[Drop::auth_failed], 1U);
}

}  // namespace
}  // namespace meshnode::dataplane
