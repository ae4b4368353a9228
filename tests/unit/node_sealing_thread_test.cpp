// The second thread of the data plane: order, keys, events, its end. A real thread and real sockets
// on the loopback; the thread sanitizer likes to see this one.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <poll.h>

#include "unit/sealing_fixture.h"
#include "wire/data_frame.h"

namespace meshnode::node {
namespace {

using dataplane::ResendPacket;
using dataplane::SendControl;
using dataplane::SlotChange;
using Kind = dataplane::PumpEvent::Kind;

struct Sealing : ::testing::Test {
  struct Frame {
    wire::FrameKind kind;
    SessionIndex session;
    std::uint64_t counter;
    Bytes text;  // of control
  };
  struct Unsent {
    Kind kind;
    PeerNumber peer;
    Bytes packet;
  };

  test::SeededRandom random{5};
  PipeDevice device;
  PortSockets sockets;
  std::optional<io::UdpSocket> other;  // the peer's
  io::EventLoop loop;
  std::unique_ptr<SealingThread> thread;
  dataplane::RxPump rx;
  dataplane::RxPump::Output opened;
  test::FrameCollector delivered;
  std::vector<io::RecvSlot> slots{io::UdpSocket::kBatch};
  std::vector<Bytes> memory{slots.size(), Bytes(io::UdpSocket::kLargestRun)};

  std::vector<Frame> frames;   // in order of arrival
  std::vector<Unsent> unsent;  // as events told
  std::vector<PeerNumber> told_sent;
  int gone = 0;

  void SetUp() override {
    auto socket = io::UdpSocket::open(Family::v4, {});
    auto peer = io::UdpSocket::open(Family::v4, {});
    ASSERT_TRUE(socket.ok() && peer.ok());
    sockets.v4 = std::move(socket).value();
    other = std::move(peer).value();
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i].buffer = memory[i];
    loop.watch_readable(other->fd(), [this] { receive(); });
    SealingThread::Doors doors;
    doors.post = [this](std::function<void()> work) { loop.post(std::move(work)); };
    doors.heard = [this](const dataplane::EventBatch& batch) { hear(batch); };
    doors.interface_gone = [this] { ++gone; };
    auto made = SealingThread::open(device, sockets, {.mtu = kMtu}, std::move(doors));
    ASSERT_TRUE(made) << made.error().message;
    thread = std::move(made).value();
    auto own = std::make_shared<dataplane::AddressSet>();
    own->insert(inner(2));
    rx.apply(dataplane::SetOwnAddresses{own});
    auto theirs = std::make_shared<dataplane::AddressSet>();
    theirs->insert(inner(1));
    rx.apply(dataplane::SetSources{kPeer, theirs});
    change(dataplane::SetRoutes{std::make_shared<dataplane::RouteTable>(
        dataplane::RouteTable{{inner(2), kPeer}, {inner(3), kKeyless}})});
    change(dataplane::SetPath{kPeer, Path{{IpAddress::v4({127, 0, 0, 1}), other->port()}, {}, 0}});
  }
  void TearDown() override { thread.reset(); }

  void change(SlotChange change) { thread->put(std::move(change)); }
  std::weak_ptr<const dataplane::KeySlot> add_key(SessionIndex index) {
    const auto slot = key_slot(index, random);
    rx.apply(dataplane::AddKey{key_slot_for_rx(*slot)});
    change(dataplane::AddKey{slot});
    return slot;
  }
  // Of its own, so that the thread's is the only one left.
  static std::shared_ptr<const dataplane::KeySlot> key_slot_for_rx(const dataplane::KeySlot& slot) {
    return std::make_shared<const dataplane::KeySlot>(slot);
  }
  void use_key(SessionIndex index) { change(dataplane::UseKey{kPeer, index}); }
  void say(const std::string& text) {
    thread->put(SendControl{kPeer, Bytes(text.begin(), text.end())});
  }
  void write(const Bytes& packet) const {
    ASSERT_EQ(send(device.machine.get(), packet.data(), packet.size(), 0),
              static_cast<ssize_t>(packet.size()));
  }

  void hear(const dataplane::EventBatch& batch) {
    for (const auto& each : batch.unsent())
      unsent.push_back({each.event.kind, each.event.peer, to_bytes(each.event.bytes)});
    for (const auto& note : batch.notes())
      if (note.kind == Kind::sent) told_sent.push_back(note.peer);
  }
  void receive() {
    const std::size_t n = other->recv_batch(slots);
    for (std::size_t i = 0; i < n; ++i) take(slots[i].run);
  }
  // Datagram by datagram, so that what it says lies beside its header.
  void take(const DatagramRun& run) {
    for (std::size_t at = 0; at < run.data.size(); at += run.segment_size) {
      const MutableBytes datagram =
          run.data.subspan(at, std::min(run.segment_size, run.data.size() - at));
      const auto header = wire::parse_frame_header(datagram);
      ASSERT_TRUE(header);
      const DatagramRun one{run.path, datagram, datagram.size()};
      opened.clear();
      rx.pump({&one, 1}, TimePoint{hours(1)}, opened, delivered);
      Bytes text;
      for (const auto& event : opened.events)
        if (event.kind == Kind::control) text = to_bytes(event.bytes);
      while (!text.empty() && text.back() == 0) text.pop_back();
      frames.push_back({header->kind, header->receiver, header->counter, text});
    }
  }
  // Turns of the loop until it holds; a bound that only a failure reaches.
  bool run_until(const std::function<bool()>& holds) {
    const TimePoint end = io::read_clocks().mono + seconds(20);
    bool held = false;
    const std::function<void()> look = [&] {
      const TimePoint now = io::read_clocks().mono;
      held = holds();
      if (held || now >= end) return loop.stop();
      loop.set_deadline(now + milliseconds(1));
    };
    loop.on_deadline(look);
    loop.set_deadline(io::read_clocks().mono);
    loop.run();
    return held;
  }
  bool heard_text(const std::string& text) const {
    return std::any_of(frames.begin(), frames.end(), [&](const Frame& frame) {
      return frame.text == Bytes(text.begin(), text.end());
    });
  }
};

TEST_F(Sealing, KeyControlFrameAndPacketsGoInOrder) {
  add_key(7);
  use_key(7);
  say("first");
  thread->put(ResendPacket{packet_to(2)});
  say("last");
  ASSERT_TRUE(run_until([&] { return frames.size() == 3; }));
  EXPECT_TRUE(heard_text("first"));
  EXPECT_EQ(frames[0].kind, wire::FrameKind::control);
  EXPECT_EQ(frames[1].kind, wire::FrameKind::ip);
  EXPECT_EQ(frames[2].kind, wire::FrameKind::control);
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_EQ(frames[i].counter, i);
  EXPECT_THAT(delivered.packets(), ::testing::ElementsAre(packet_to(2)));
}

TEST_F(Sealing, PacketsOfTheInterfaceAreSealedSentAndReported) {
  add_key(7);
  use_key(7);
  for (std::uint16_t i = 0; i < 100; ++i) write(packet_to(2, i));
  ASSERT_TRUE(run_until(
      [&] { return delivered.frames.size() == 100 && thread->sent(kPeer).packets == 100; }));
  EXPECT_EQ(thread->sent(kPeer).bytes, 100 * packet_to(2).size());
  EXPECT_EQ(thread->sent(kKeyless).packets, 0U);
  EXPECT_EQ(thread->drops().total(), 0U);
  EXPECT_THAT(told_sent, ::testing::Contains(kPeer));
  EXPECT_EQ(rx.drops().total(), 0U);
}

TEST_F(Sealing, WhatCannotBeSentComesBack) {
  write(packet_to(2));  // no key yet
  write(packet_to(3));
  write(packet_to(99));
  ASSERT_TRUE(run_until([&] { return unsent.size() == 3; }));
  EXPECT_EQ(unsent[0].kind, Kind::no_session);
  EXPECT_EQ(unsent[0].peer, kPeer);
  EXPECT_EQ(unsent[0].packet, packet_to(2));
  EXPECT_EQ(unsent[1].kind, Kind::no_session);
  EXPECT_EQ(unsent[1].peer, kKeyless);
  EXPECT_EQ(unsent[2].kind, Kind::no_route);
  EXPECT_EQ(unsent[2].packet, packet_to(99));
  EXPECT_TRUE(frames.empty());
}

// The owner sleeps: what the thread notices meanwhile is bounded, and counted.
TEST_F(Sealing, ASlowOwnerLosesEventsNotMemory) {
  constexpr std::size_t kPackets = 500;
  for (std::uint16_t i = 0; i < kPackets; ++i) write(packet_to(99, i));
  for (pollfd unread{device.fd(), POLLIN, 0}; poll(&unread, 1, 0) > 0;) std::this_thread::yield();
  ASSERT_TRUE(
      run_until([&] { return unsent.size() + thread->drops()[Drop::no_route] >= kPackets; }));
  EXPECT_EQ(unsent.size() + thread->drops()[Drop::no_route], kPackets);
  EXPECT_GE(unsent.size(), dataplane::EventBatch::kMaxPackets);
  EXPECT_LE(unsent.size(), 2 * dataplane::EventBatch::kMaxPackets);
}

TEST_F(Sealing, NoCounterIsUsedTwiceWhileKeysChangeUnderLoad) {
  std::atomic<bool> enough = false;
  std::thread machine([&] {
    const Bytes packet = packet_to(2);
    while (!enough) {
      pollfd room{device.machine.get(), POLLOUT, 0};
      if (poll(&room, 1, 100) == 1)
        send(device.machine.get(), packet.data(), packet.size(), MSG_DONTWAIT);
    }
  });
  constexpr SessionIndex kKeys = 200;
  std::vector<std::weak_ptr<const dataplane::KeySlot>> slots_of_keys;
  bool all_heard = true;
  for (SessionIndex key = 1; key <= kKeys && all_heard; ++key) {
    slots_of_keys.push_back(add_key(key));
    use_key(key);
    if (key > 1) change(dataplane::DropKey{key - 1});
    say("key " + std::to_string(key));
    // Its frames are under way, those at least that the socket had room for: now the next one.
    all_heard = run_until([&] {
      return !frames.empty() && frames.back().session == key && frames.back().counter > 20;
    });
    if (key > 1) rx.apply(dataplane::DropKey{key - 1});
  }
  enough = true;
  machine.join();
  ASSERT_TRUE(all_heard);

  std::set<std::pair<SessionIndex, std::uint64_t>> seen;
  SessionIndex latest = 0;
  for (const Frame& frame : frames) {
    EXPECT_TRUE(seen.emplace(frame.session, frame.counter).second);
    EXPECT_GE(frame.session, latest) << "never again with an older key";
    latest = std::max(latest, frame.session);
  }
  EXPECT_EQ(latest, kKeys);
  EXPECT_EQ(rx.drops()[Drop::replayed] + rx.drops()[Drop::auth_failed], 0U);
  EXPECT_TRUE(run_until([&] {
    return std::all_of(slots_of_keys.begin(), slots_of_keys.end() - 1,
                       [](const auto& slot) { return slot.expired(); });
  })) << "dropped keys are gone";
  EXPECT_FALSE(slots_of_keys.back().expired());
}

TEST_F(Sealing, StopDoesEverythingThatWasPutBefore) {
  add_key(7);
  use_key(7);
  for (int i = 0; i < 50; ++i) say("goodbye " + std::to_string(i));
  thread->stop();
  ASSERT_TRUE(run_until([&] { return frames.size() == 50; }));
  EXPECT_TRUE(heard_text("goodbye 49"));
  thread->stop();  // and may be said twice
}

TEST_F(Sealing, AnInterfaceThatGoesIsToldOnceAndTasksGoOn) {
  device.machine.reset();
  ASSERT_TRUE(run_until([&] { return gone > 0; }));
  add_key(7);
  use_key(7);
  say("goodbye");
  ASSERT_TRUE(run_until([&] { return heard_text("goodbye"); }));
  EXPECT_EQ(gone, 1);
}

TEST_F(Sealing, SignalsAreForTheOwner) {
  int found = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(task.path() / "status");
    bool ours = false;
    for (std::string line; std::getline(status, line);) {
      if (line == "Name:\tmeshnode-seal") ours = true;
      if (!ours || !line.starts_with("SigBlk:\t")) continue;
      ++found;
      const std::uint64_t blocked = std::stoull(line.substr(8), nullptr, 16);
      for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        EXPECT_NE(blocked & std::uint64_t{1} << (signal - 1), 0U) << signal;
    }
  }
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace meshnode::node
