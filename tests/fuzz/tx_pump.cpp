// The script: frames from the TUN device, packets of flows or any bytes, with any virtio-net
// fields. Through both pumps; what comes out is what a machine without offloads would have sent,
// and no frame breaks the rules for runs.
#include "dataplane/tx_pump.h"

#include <map>

#include "fuzz/fuzz.h"
#include "support/frame_collector.h"
#include "support/inner_packets.h"

namespace meshnode::fuzz {
namespace {

constexpr PeerNumber kPeer{1};
constexpr std::size_t kMtu = 1420;
constexpr TimePoint kNow{seconds(1000)};
const IpAddress kFrom = IpAddress::v4({10, 77, 0, 1});
const IpAddress kTo = IpAddress::v4({10, 77, 0, 2});

template <typename Pump>
void install(Pump& pump) {
  auto slot = std::make_shared<dataplane::KeySlot>();
  slot->peer = kPeer;
  slot->local_index = slot->remote_index = 7;
  slot->make_cipher = crypto::make_gnutls_cipher;
  pump.apply(dataplane::AddKey{slot});
  pump.apply(dataplane::SetPath{kPeer, Path{{IpAddress::v4({192, 0, 2, 1}), 4000}, {}, 0}});
}

// What should come out; nothing for any bytes, where only the rules can be checked.
using Expected = std::vector<Bytes>;

TunFrame frame_of(Script& script, Bytes& bytes, Expected& expected) {
  const std::uint8_t what = script.u8();
  TunFrame frame;
  if (what % 4 == 0) {
    bytes = to_bytes(script.bytes(script.u16()));
    if (bytes.size() >= 20) std::copy_n(kTo.bytes().begin(), 4, bytes.begin() + 16);
    frame.gso_type = script.u8() % 6;
    frame.gso_size = script.u16();
    frame.csum_start = script.u16() % 64;
    frame.csum_offset = script.u8() % 20;
    frame.needs_csum = script.u8() % 2 == 0;
  } else {
    test::InnerPacket packet{.tcp = what % 4 == 1, .tos = script.u8()};
    packet.flags = script.u8();
    packet.payload = Bytes(script.u16() % 20'000, what);
    frame.needs_csum = true;
    frame.gso_size = script.u16() % 1381;
    frame.gso_type = frame.gso_size == 0 ? kGsoNone : packet.tcp ? kGsoTcpV4 : kGsoUdpL4;
    frame.csum_start = 20;
    frame.csum_offset = packet.tcp ? kTcpChecksumOffset : kUdpChecksumOffset;
    bytes = build(packet, true);
    if (frame.gso_type == kGsoNone)
      expected = {build(packet)};
    else
      expected = test::slow_segments(bytes, 20, packet.tcp, frame.gso_size);
  }
  frame.packet = bytes;
  return frame;
}

std::size_t check_runs(std::span<const DatagramRun> runs) {
  std::size_t datagrams = 0;
  for (const DatagramRun& run : runs) {
    MESH_ASSERT(run.segment_size >= wire::kFrameOverhead && !run.data.empty());
    const std::size_t count = (run.data.size() + run.segment_size - 1) / run.segment_size;
    MESH_ASSERT(count <= kMaxRunSegments && run.data.size() <= kMaxRunBytes);
    datagrams += count;
  }
  return datagrams;
}

}  // namespace

void one_input(ByteView input) {
  dataplane::TxPump tx(kMtu);
  dataplane::RxPump rx;
  install(tx);
  install(rx);
  tx.apply(dataplane::UseKey{kPeer, 7});
  tx.apply(dataplane::SetRoutes{
      std::make_shared<dataplane::RouteTable>(dataplane::RouteTable{{kTo, kPeer}})});
  rx.apply(dataplane::SetSources{
      kPeer, std::make_shared<dataplane::AddressSet>(dataplane::AddressSet{kFrom})});
  rx.apply(dataplane::SetOwnAddresses{
      std::make_shared<dataplane::AddressSet>(dataplane::AddressSet{kTo})});
  Script script(input);
  dataplane::TxPump::Output sealed;
  dataplane::RxPump::Output opened;
  while (!script.over()) {
    Bytes bytes;
    Expected expected;
    test::OwnedFrame owned(frame_of(script, bytes, expected));
    sealed.clear();
    const std::uint64_t before = tx.drops().total();
    MESH_ASSERT(tx.pump({&owned.frame, 1}, kNow, sealed) == 1);
    const std::size_t datagrams = check_runs(sealed.runs);
    const bool refused = tx.drops().total() > before;
    MESH_ASSERT(!refused || datagrams == 0);

    test::FrameCollector tun;
    opened.clear();
    rx.pump(sealed.runs, kNow, opened, tun);
    MESH_ASSERT(tun.frames.size() <= datagrams);
    if (!refused && !expected.empty()) MESH_ASSERT(tun.packets() == expected);
  }
}

}  // namespace meshnode::fuzz
