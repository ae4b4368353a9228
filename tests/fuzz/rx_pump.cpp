// The script: runs of datagrams, marked or not; some are any bytes, some frames that a member
// really sealed, with any plaintext or the packets of a flow. What reaches the TUN, joined or not,
// are packets of that member, each once, and nothing else.
#include "dataplane/rx_pump.h"

#include <map>

#include "fuzz/fuzz.h"
#include "support/frame_collector.h"
#include "support/inner_packets.h"
#include "wire/ip.h"

namespace meshnode::fuzz {
namespace {

using crypto::Cipher;

struct Member {
  PeerNumber number;
  SessionIndex index;
  Cipher cipher;
  IpAddress address;
  std::uint8_t key_byte;

  Secret32 key() const {
    Block<32> raw;
    raw.fill(key_byte);
    return Secret32(raw);
  }
};

const Member kMembers[] = {
    {PeerNumber{0}, 0x01020304, Cipher::aes_256_gcm, IpAddress::v4({10, 77, 0, 2}), 0x31},
    {PeerNumber{1}, 0xa0b0c0d0, Cipher::chacha20_poly1305, IpAddress::v4({10, 77, 0, 3}), 0x32},
};
const IpAddress kOwn = IpAddress::v4({10, 77, 0, 1});

const Path kPaths[] = {{{IpAddress::v4({192, 0, 2, 1}), 4000}, {}, 0},
                       {{IpAddress::v4({192, 0, 2, 2}), 4000}, {}, 0}};

void install(dataplane::RxPump& pump) {
  auto own = std::make_shared<dataplane::AddressSet>();
  own->insert(kOwn);
  pump.apply(dataplane::SetOwnAddresses{own});
  for (const Member& member : kMembers) {
    auto slot = std::make_shared<dataplane::KeySlot>();
    slot->peer = member.number;
    slot->local_index = member.index;
    slot->cipher = member.cipher;
    slot->make_cipher = crypto::make_gnutls_cipher;
    slot->receive_key = member.key();
    slot->report_first_data = member.number == PeerNumber{0};
    pump.apply(dataplane::AddKey{slot});
    auto sources = std::make_shared<dataplane::AddressSet>();
    sources->insert(member.address);
    pump.apply(dataplane::SetSources{member.number, sources});
    pump.apply(dataplane::SetPath{member.number, kPaths[0]});
  }
}

// Plaintexts that were sealed, by member and counter.
struct Sealed : std::map<std::pair<PeerNumber, std::uint64_t>, std::vector<Bytes>> {
  std::size_t pieces = 0;  // frames that are not told of until they have become something whole
};

Bytes seal(const Member& member, wire::FrameHeader header, const Bytes& text, Sealed& sealed) {
  header.receiver = member.index;
  Bytes frame(wire::kFrameHeaderSize);
  wire::write_frame_header(frame.data(), header);
  frame = std::move(frame) + text;
  frame.resize(frame.size() + wire::kFrameTagSize);
  std::uint8_t* text_at = frame.data() + wire::kFrameHeaderSize;
  crypto::FrameJob job{.ad = frame.data(),
                       .ad_size = wire::kFrameHeaderSize,
                       .in = text_at,
                       .out = text_at,
                       .text_size = text.size(),
                       .counter = header.counter};
  crypto::make_gnutls_cipher(member.cipher, member.key())->seal({&job, 1});
  sealed[{member.number, header.counter}].push_back(text);
  return frame;
}

Bytes seal(const Member& member, Script& script, Sealed& sealed) {
  wire::FrameHeader header;
  header.kind = static_cast<wire::FrameKind>(script.u8() % 4);
  if (header.kind == wire::FrameKind::piece) ++sealed.pieces;
  header.flags = script.u8() == 0xff ? 1 : 0;
  header.counter = script.u8();
  return seal(member, header, to_bytes(script.bytes(script.u8())), sealed);
}

// A packet of a flow: where in it and how large is in the script, and what is odd about it.
Bytes seal_flow(const Member& member, Script& script, Sealed& sealed) {
  const std::uint8_t place = script.u8();
  const std::uint8_t odd = script.u8();
  test::InnerPacket packet{.tcp = odd % 2 == 0, .from = member.address.bytes()[3], .to = 1};
  packet.payload = Bytes(1 + script.u8() % 64U, place);
  packet.sequence = static_cast<std::uint32_t>(place * packet.payload.size());
  packet.id = place;
  packet.tos = odd >> 1 & 3;
  if ((odd & 8) != 0) packet.flags |= script.u8();
  if ((odd & 16) != 0) packet.ip_options = Bytes(4, 1);
  Bytes text = build(packet);
  if ((odd & 32) != 0) text[20 + script.u8() % (text.size() - 20)] ^= 1;
  text.resize((text.size() + 15) / 16 * 16);
  return seal(member, {.counter = script.u8()}, text, sealed);
}

// Any bytes behind the header of a frame for a session that exists.
Bytes forged(const Member& member, Script& script) {
  Bytes frame(wire::kFrameHeaderSize);
  wire::write_frame_header(frame.data(), {.receiver = member.index, .counter = script.u8()});
  return std::move(frame) + script.bytes(script.u8());
}

Bytes piece(Script& script, Sealed& sealed) {
  const std::uint8_t what = script.u8();
  const Member& member = kMembers[what / 4 % 2];
  switch (what % 4) {
    case 0:
      return seal(member, script, sealed);
    case 1:
      return forged(member, script);
    case 2:
      if (what % 8 == 6) return seal_flow(kMembers[what / 8 % 2], script, sealed);
      return to_bytes(script.bytes(script.u8()));
    default:
      return to_bytes(script.bytes(script.u8()));
  }
}

bool inside(ByteView part, const std::vector<Bytes>& buffers) {
  return std::any_of(buffers.begin(), buffers.end(), [&](const Bytes& buffer) {
    return part.data() >= buffer.data() &&
           part.data() + part.size() <= buffer.data() + buffer.size();
  });
}

// Without what the underlay's mark changes, and without the ID, which is not always counted on in a
// super-frame whose packets all had the same.
Bytes unmarked(ByteView packet) {
  Bytes out = to_bytes(packet);
  if (out.size() < 20) return out;
  if (out[0] >> 4 == 6) {
    out[1] &= 0xcf;
    return out;
  }
  out[1] &= 0xfc;
  out[4] = out[5] = out[10] = out[11] = 0;
  return out;
}

// A delivered packet is the front of a plaintext of the member whose address it bears.
void check_frame(ByteView packet, const Sealed& sealed) {
  const auto header = wire::parse_ip(packet);
  MESH_ASSERT(header && header->total_size == packet.size() && header->destination == kOwn);
  const auto member = std::find_if(std::begin(kMembers), std::end(kMembers),
                                   [&](const Member& m) { return m.address == header->source; });
  MESH_ASSERT(member != std::end(kMembers));
  if (sealed.pieces > 0) return;  // of several plaintexts: reassembly.cpp looks at that
  MESH_ASSERT(std::any_of(sealed.begin(), sealed.end(), [&](const auto& entry) {
    return entry.first.first == member->number &&
           std::any_of(entry.second.begin(), entry.second.end(), [&](const Bytes& text) {
             return text.size() >= packet.size() &&
                    same(unmarked(ByteView(text).first(packet.size())), unmarked(packet));
           });
  }));
}

std::size_t datagrams_in(std::span<const DatagramRun> runs) {
  std::size_t count = 0;
  for (const DatagramRun& run : runs) {
    const std::size_t step = run.segment_size == 0 ? run.data.size() : run.segment_size;
    if (step > 0) count += (run.data.size() + step - 1) / step;
  }
  return count;
}

}  // namespace

void one_input(ByteView input) {
  dataplane::RxPump pump;
  install(pump);
  Script script(input);
  Sealed sealed;
  std::size_t delivered = 0;
  TimePoint now{seconds(1000)};
  while (!script.over()) {
    const std::uint8_t begin = script.u8();
    pump.set_coalescing({.tcp = (begin & 0x40) != 0, .udp = (begin & 0x80) != 0});
    std::vector<Bytes> buffers(1 + begin % 4U);
    std::vector<DatagramRun> runs;
    for (Bytes& buffer : buffers) {
      const std::uint8_t way = script.u8();
      const Path& path = kPaths[way % std::size(kPaths)];
      std::size_t segment = script.u8();
      for (auto pieces = script.u8() % 4; pieces >= 0; --pieces)
        buffer = std::move(buffer) + piece(script, sealed);
      buffer.shrink_to_fit();
      if (segment == 1) segment = buffer.size();
      runs.push_back({path, buffer, segment, static_cast<std::uint8_t>(way >> 6)});
    }
    const std::uint64_t dropped_before = pump.drops().total();
    dataplane::RxPump::Output out;
    test::FrameCollector tun;
    pump.pump(runs, now, out, tun);

    std::size_t controls = 0;
    std::size_t packets = 0;
    for (const test::OwnedFrame& each : tun.frames)
      for (const Bytes& packet : test::slow_segments(each.frame)) {
        check_frame(packet, sealed);
        ++packets;
      }
    for (const auto& passed : out.passed) {
      MESH_ASSERT(inside(passed.datagram, buffers) && !passed.datagram.empty());
      MESH_ASSERT(passed.protocol != wire::Protocol::unknown);
    }
    for (const dataplane::PumpEvent& event : out.events) {
      MESH_ASSERT(!sealed.empty());
      if (event.kind != dataplane::PumpEvent::Kind::control) continue;
      ++controls;
      MESH_ASSERT(sealed.pieces > 0 || inside(event.bytes, buffers));
    }
    // Each datagram ends in exactly one place; a piece is kept, or becomes a drop later.
    const std::uint64_t dropped = pump.drops().total() - dropped_before;
    const std::size_t told = packets + out.passed.size() + controls + dropped;
    MESH_ASSERT(told + sealed.pieces >= datagrams_in(runs));
    MESH_ASSERT(told <= datagrams_in(runs) + sealed.pieces);
    delivered += packets + controls;
    now += milliseconds(50);
  }
  // Each counter of each session at most once.
  MESH_ASSERT(delivered <= sealed.size());
}

}  // namespace meshnode::fuzz
