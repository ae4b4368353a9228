// Two pumps with a session between them, and super-frames for them.
#pragma once

#include <gtest/gtest.h>

#include "dataplane/rx_pump.h"
#include "dataplane/tx_pump.h"
#include "tests/support/frame_collector.h"
#include "tests/support/inner_packets.h"
#include "tests/support/seeded_random.h"

namespace meshnode::dataplane {

using test::build;
using test::InnerPacket;

inline constexpr TimePoint kNow{hours(1)};
inline constexpr std::size_t kTunnelMtu = 1420;
inline constexpr PeerNumber kOne{1}, kTwo{2};

inline Path path_to(std::uint8_t host) {
  return {{IpAddress::v4({192, 0, 2, host}), 3731}, {}, 0};
}

// The machine .1 (and .3) of the inner network sends, .2 receives; .4 is another member.
struct Pumps : ::testing::Test {
  TxPump tx{kTunnelMtu};
  RxPump rx;
  TxPump::Output sealed;
  RxPump::Output opened;
  test::FrameCollector tun;
  test::SeededRandom random{3};
  std::size_t calls = 0;  // that the last send() needed

  static IpAddress v4(std::uint8_t host) { return IpAddress::v4({10, 77, 0, host}); }
  static IpAddress v6(std::uint8_t host) {
    Block<16> bytes{0xfd};
    bytes[15] = host;
    return IpAddress::v6(bytes);
  }
  static std::shared_ptr<const AddressSet> addresses(std::initializer_list<std::uint8_t> hosts) {
    auto out = std::make_shared<AddressSet>();
    for (const std::uint8_t host : hosts) out->insert({v4(host), v6(host)});
    return out;
  }
  void SetUp() override {
    tx.apply(SetRoutes{std::make_shared<RouteTable>(
        RouteTable{{v4(2), kOne}, {v6(2), kOne}, {v4(4), kTwo}, {v6(4), kTwo}})});
    rx.apply(SetOwnAddresses{addresses({2, 4})});
    for (const PeerNumber peer : {kOne, kTwo}) {
      const auto number = static_cast<std::uint8_t>(peer == kOne ? 1 : 2);
      tx.apply(SetPath{peer, path_to(number)});
      rx.apply(SetSources{peer, addresses({1, 3})});
      add_session(peer, number);
      tx.apply(UseKey{peer, number});
    }
  }
  void add_session(PeerNumber peer, SessionIndex index) {
    auto slot = std::make_shared<KeySlot>();
    slot->peer = peer;
    slot->local_index = slot->remote_index = index;
    slot->make_cipher = crypto::make_gnutls_cipher;
    slot->send_key = slot->receive_key = random.secret<32>();
    tx.apply(AddKey{slot});
    rx.apply(AddKey{slot});
  }
  Bytes filled(std::size_t size) {
    Bytes out(size);
    random.fill(out);
    return out;
  }
  static test::OwnedFrame plain(Bytes packet) { return test::OwnedFrame({.packet = packet}); }
  // With gso_size 0 a single packet whose checksum is still open.
  static test::OwnedFrame open_frame(const InnerPacket& packet, std::size_t gso_size) {
    Bytes bytes = build(packet, true);
    TunFrame frame{.packet = bytes, .needs_csum = true};
    frame.csum_start = static_cast<std::uint16_t>(packet.ip_size());
    frame.csum_offset = packet.tcp ? kTcpChecksumOffset : kUdpChecksumOffset;
    frame.gso_size = static_cast<std::uint16_t>(gso_size);
    if (gso_size > 0) frame.gso_type = !packet.tcp ? kGsoUdpL4 : packet.v6 ? kGsoTcpV6 : kGsoTcpV4;
    return test::OwnedFrame(frame);
  }
  // The packets a machine without offloads would have sent.
  static std::vector<Bytes> slow(const InnerPacket& packet, std::size_t gso_size) {
    if (gso_size == 0) return {build(packet)};
    return test::slow_segments(build(packet, true), packet.ip_size(), packet.tcp, gso_size);
  }

  // Through the TX pump, in as many calls as it wants.
  struct Sent {
    Bytes bytes;
    DatagramRun run;  // points into them
  };
  std::vector<Sent> send(std::vector<test::OwnedFrame>& frames) {
    std::vector<TunFrame> lent;
    for (test::OwnedFrame& each : frames) lent.push_back(each.frame);
    std::vector<Sent> out;
    calls = 0;
    for (std::span<const TunFrame> rest(lent); !rest.empty(); ++calls) {
      sealed.clear();
      const std::size_t taken = tx.pump(rest, kNow, sealed);
      EXPECT_GT(taken, 0U);
      if (taken == 0) break;
      rest = rest.subspan(taken);
      for (const DatagramRun& run : sealed.runs) {
        out.push_back({to_bytes(run.data), run});
        out.back().run.data = out.back().bytes;
      }
    }
    return out;
  }
  std::vector<Sent> send_one(test::OwnedFrame frame) {
    std::vector<test::OwnedFrame> one;
    one.push_back(std::move(frame));
    return send(one);
  }
  void receive(std::vector<Sent>& sent) {
    std::vector<DatagramRun> runs;
    for (Sent& each : sent) runs.push_back(each.run);
    opened.clear();
    tun.clear();
    rx.pump(runs, kNow, opened, tun);
  }
  // What the receiving machine sees, packet by packet.
  std::vector<Bytes> delivered() const {
    std::vector<Bytes> out;
    for (const test::OwnedFrame& each : tun.frames)
      for (Bytes& packet : test::slow_segments(each.frame)) out.push_back(std::move(packet));
    return out;
  }
};

}  // namespace meshnode::dataplane
