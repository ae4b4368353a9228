// The script: runs of datagrams; some are any bytes, some frames that a member really sealed, with
// any plaintext. What reaches the TUN is a packet of that member, once, and nothing else.
#include "dataplane/rx_pump.h"

#include <map>

#include "fuzz/fuzz.h"
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
using Sealed = std::map<std::pair<PeerNumber, std::uint64_t>, std::vector<Bytes>>;

Bytes seal(const Member& member, Script& script, Sealed& sealed) {
  wire::FrameHeader header;
  header.kind = static_cast<wire::FrameKind>(script.u8() % 3);
  header.flags = script.u8() == 0xff ? 1 : 0;
  header.receiver = member.index;
  header.counter = script.u8();
  const Bytes text = to_bytes(script.bytes(script.u8()));
  Bytes frame(wire::kFrameHeaderSize);
  wire::write_frame_header(frame.data(), header);
  frame = std::move(frame) + text;
  frame.resize(frame.size() + wire::kFrameTagSize);
  crypto::FrameJob job{.frame = frame.data(),
                       .ad_size = wire::kFrameHeaderSize,
                       .text_size = text.size(),
                       .counter = header.counter};
  crypto::make_gnutls_cipher(member.cipher, member.key())->seal({&job, 1});
  sealed[{member.number, header.counter}].push_back(text);
  return frame;
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

// A delivered packet is the front of a plaintext of the member whose address it bears.
void check_frame(ByteView packet, const Sealed& sealed) {
  const auto header = wire::parse_ip(packet);
  MESH_ASSERT(header && header->total_size == packet.size() && header->destination == kOwn);
  const auto member = std::find_if(std::begin(kMembers), std::end(kMembers),
                                   [&](const Member& m) { return m.address == header->source; });
  MESH_ASSERT(member != std::end(kMembers));
  MESH_ASSERT(std::any_of(sealed.begin(), sealed.end(), [&](const auto& entry) {
    return entry.first.first == member->number &&
           std::any_of(entry.second.begin(), entry.second.end(), [&](const Bytes& text) {
             return text.size() >= packet.size() &&
                    same(ByteView(text).first(packet.size()), packet);
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
    std::vector<Bytes> buffers(1 + script.u8() % 4U);
    std::vector<DatagramRun> runs;
    for (Bytes& buffer : buffers) {
      const Path& path = kPaths[script.u8() % std::size(kPaths)];
      std::size_t segment = script.u8();
      for (auto pieces = script.u8() % 4; pieces >= 0; --pieces)
        buffer = std::move(buffer) + piece(script, sealed);
      buffer.shrink_to_fit();
      if (segment == 1) segment = buffer.size();
      runs.push_back({path, buffer, segment});
    }
    const std::uint64_t dropped_before = pump.drops().total();
    dataplane::RxPump::Output out;
    pump.pump(runs, now, out);

    std::size_t controls = 0;
    for (const TunFrame& frame : out.frames) {
      MESH_ASSERT(inside(frame.packet, buffers));
      check_frame(frame.packet, sealed);
    }
    for (const auto& passed : out.passed) {
      MESH_ASSERT(inside(passed.datagram, buffers) && !passed.datagram.empty());
      MESH_ASSERT(passed.protocol != wire::Protocol::unknown);
    }
    for (const dataplane::PumpEvent& event : out.events) {
      MESH_ASSERT(!sealed.empty());
      if (event.kind != dataplane::PumpEvent::Kind::control) continue;
      ++controls;
      MESH_ASSERT(inside(event.bytes, buffers));
    }
    // Each datagram ends in exactly one place.
    const std::uint64_t dropped = pump.drops().total() - dropped_before;
    MESH_ASSERT(out.frames.size() + out.passed.size() + controls + dropped == datagrams_in(runs));
    delivered += out.frames.size() + controls;
    now += milliseconds(50);
  }
  // Each counter of each session at most once.
  MESH_ASSERT(delivered <= sealed.size());
}

}  // namespace meshnode::fuzz
