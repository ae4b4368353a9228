// What a packet costs the sealing thread besides its sealing: no memory, no mutex, no clock, nobody
// woken. A program of its own, since it replaces the functions that it counts.
#include <condition_variable>
#include <tuple>

#include <sys/eventfd.h>

#include "support/counted_calls.h"
#include "support/counted_new.h"
#include "unit/sealing_fixture.h"

namespace meshnode::node {
namespace {

constexpr std::size_t kPackets = 100'000;
constexpr std::size_t kPerTurn = 64;

// From start() on always readable, with the same packet, until it is gone. The thread's own
// counters are looked at where it reads: at the first packet that counts and behind the last.
class EndlessDevice final : public tun::Device {
 public:
  explicit EndlessDevice(Bytes packet) : packet_(std::move(packet)) {}
  void start() { eventfd_write(ready_.get(), 1); }

  struct Count {
    test::Calls calls;
    std::size_t allocations = 0;
  };
  Count begin;
  Count end;
  std::size_t turns = 0;  // between the two

  std::size_t read_batch(std::span<tun::ReadSlot> slots) override {
    if (read_ == kWarmUp) begin = count();
    if (read_ == kWarmUp + kPackets) {
      end = count();
      gone_ = true;
    }
    if (gone_ || in_turn_ == kPerTurn) {
      in_turn_ = 0;
      if (read_ > kWarmUp) ++turns;
      return 0;
    }
    ++in_turn_;
    ++read_;
    slots[0].frame = {};
    slots[0].frame.packet = slots[0].buffer.subspan(kFrameHeadroom, packet_.size());
    std::copy(packet_.begin(), packet_.end(), slots[0].frame.packet.begin());
    return 1;
  }
  tun::WriteReport write_batch(std::span<const TunFrame>) override { return {}; }
  const tun::Offloads& offloads() const override { return offloads_; }
  int fd() const override { return ready_.get(); }
  const std::string& name() const override { return name_; }
  std::size_t mtu() const override { return kMtu; }
  std::uint64_t unreadable() const override { return 0; }
  bool gone() const override { return gone_; }

 private:
  static constexpr std::size_t kWarmUp = 10 * kPerTurn;

  static Count count() { return {test::calls(), test::allocations()}; }

  Bytes packet_;
  io::UniqueFd ready_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  tun::Offloads offloads_;
  std::string name_ = "endless0";
  std::size_t read_ = 0;
  std::size_t in_turn_ = 0;
  bool gone_ = false;
};

// A clock that stands still asks for no report, and counts who looks.
std::atomic<std::size_t> looked = 0;
Now frozen() {
  ++looked;
  return {TimePoint{hours(1)}, UnixTime{}};
}

TEST(SealingThread, TheCountersCount) {
  const auto before = test::calls();
  std::mutex mutex;
  { const std::lock_guard lock(mutex); }
  io::read_clocks();
  const io::UniqueFd bell(eventfd(0, EFD_CLOEXEC));
  eventfd_write(bell.get(), 1);
  const auto after = test::calls();
  EXPECT_EQ(after.locks, before.locks + 1);
  EXPECT_EQ(after.clocks, before.clocks + 2);
  EXPECT_EQ(after.bells, before.bells + 1);
}

TEST(SealingThread, APacketCostsNoMemoryNoMutexNoClockAndWakesNobody) {
  auto socket = io::UdpSocket::open(Family::v4, {});
  auto peer = io::UdpSocket::open(Family::v4, {});
  ASSERT_TRUE(socket.ok() && peer.ok());
  PortSockets sockets;
  const std::uint16_t port = peer->port();
  sockets.v4 = std::move(socket).value();
  EndlessDevice device(packet_to(2));

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::function<void()>> posted;
  bool over = false;
  SealingThread::Doors doors;
  doors.clock = frozen;
  doors.post = [&](std::function<void()> work) {
    const std::lock_guard lock(mutex);
    posted.push_back(std::move(work));
    changed.notify_one();
  };
  doors.heard = [](const dataplane::EventBatch&) {};
  doors.interface_gone = [&] { over = true; };

  test::SeededRandom random{9};
  auto thread = SealingThread::open(device, sockets, {.mtu = kMtu}, std::move(doors));
  ASSERT_TRUE(thread) << thread.error().message;
  const auto put = [&](dataplane::SlotChange change) { (*thread)->put(std::move(change)); };
  put(dataplane::SetRoutes{
      std::make_shared<dataplane::RouteTable>(dataplane::RouteTable{{inner(2), kPeer}})});
  put(dataplane::SetPath{kPeer, Path{{IpAddress::v4({127, 0, 0, 1}), port}, {}, 0}});
  put(dataplane::AddKey{key_slot(7, random)});
  put(dataplane::UseKey{kPeer, 7});
  device.start();
  while (!over) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return !posted.empty(); });
    const auto work = std::exchange(posted, {});
    lock.unlock();
    for (const auto& each : work) each();
  }
  const auto& [begin, end, turns] = std::tie(device.begin, device.end, device.turns);
  EXPECT_EQ(end.allocations - begin.allocations, 0U);
  EXPECT_EQ(end.calls.locks - begin.calls.locks, 0U);
  EXPECT_EQ(end.calls.clocks - begin.calls.clocks, 0U);
  EXPECT_EQ(end.calls.bells - begin.calls.bells, 0U);
  EXPECT_GE(turns, kPackets / kPerTurn);
  EXPECT_LE(looked, turns + 20) << "once in a turn";
}

}  // namespace
}  // namespace meshnode::node
