// The script: pieces of eight packets in two sessions, as a hostile member may send them, raw texts
// and honest packets between them, and time that goes by. What comes out is made of nothing but
// what was sent for that packet, byte for byte, and what is held stays bounded.
#include "dataplane/reassembly.h"

#include "dataplane/split.h"
#include "fuzz/fuzz.h"

namespace meshnode::fuzz {
namespace {

using dataplane::Reassembly;
using wire::FrameKind;

constexpr std::size_t kIds = 4, kSessions = 2;

// What was last sent for each byte of each packet; 0x100: nothing.
struct Sent {
  std::vector<std::uint16_t> bytes[kSessions][kIds];

  Sent() {
    for (auto& session : bytes)
      for (auto& packet : session) packet.assign(wire::kMaxWhole, 0x100);
  }
  void note(SessionIndex session, const wire::Piece& piece) {
    auto& packet = bytes[session][piece.packet];
    std::copy(piece.data.begin(), piece.data.end(), packet.begin() + piece.offset);
  }
};

struct Run {
  Reassembly reassembly;
  DropCounters drops;
  TimePoint now{};
  Sent sent;

  bool add(SessionIndex session, const Bytes& text) {
    const auto piece = wire::parse_piece(text);
    const std::uint64_t bad = drops[Drop::bad_piece];
    const auto whole = reassembly.add(now, session, text, drops);
    MESH_ASSERT(reassembly.held() <= Reassembly::kHeld);
    const bool taken = drops[Drop::bad_piece] == bad;
    MESH_ASSERT(piece || !taken);
    if (!taken) MESH_ASSERT(!whole);
    if (!taken || piece->packet >= kIds) return false;
    sent.note(session, *piece);
    if (!whole) return false;
    MESH_ASSERT(whole->bytes.size() == piece->total && whole->kind == piece->kind);
    const auto& expected = sent.bytes[session][piece->packet];
    MESH_ASSERT(std::equal(whole->bytes.begin(), whole->bytes.end(), expected.begin()));
    return true;
  }
};

// Large packets are made of few script bytes.
Bytes stretched(ByteView pattern, std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i)
    out[i] = static_cast<std::uint8_t>(i + (pattern.empty() ? 0 : pattern[i % pattern.size()]));
  return out;
}

void crafted(Script& script, Run& run, std::uint8_t what) {
  const std::size_t total = script.u16();
  const std::size_t offset = script.u16();
  const std::size_t size = std::size_t{script.u8()} * ((what & 0x10) != 0 ? 200U : 1U);
  Bytes text(wire::kPieceHeaderSize);
  wire::write_piece_header(text.data(),
                           {.packet = static_cast<std::uint32_t>(what % kIds),
                            .total = static_cast<std::uint16_t>(total),
                            .offset = static_cast<std::uint16_t>(offset & ~7U),
                            .kind = static_cast<FrameKind>((what & 8) != 0 ? offset % 8 : 0),
                            .data = {}});
  run.add((what >> 2) % kSessions, std::move(text) + stretched(script.bytes(2), size));
}

void honest(Script& script, Run& run, std::uint8_t what) {
  const std::size_t size = 1 + script.u16() % wire::kMaxWhole;
  const std::size_t limit = dataplane::Splitter::kLeastText + script.u16() % 9000;
  const Bytes whole = stretched(script.bytes(4), size);
  dataplane::Splitter splitter(whole, FrameKind::ip, static_cast<std::uint32_t>(what % kIds),
                               limit);
  // Unless others are under way under this id, it arrives.
  const bool free = (what & 0x10) != 0;
  if (free) run.reassembly.clear(run.drops);
  bool done = false;
  while (const std::size_t next = splitter.next_size()) {
    Bytes text(next);
    splitter.next(text.data());
    MESH_ASSERT(text.size() <= limit);
    text.resize(wire::padded_size(text.size(), limit));
    done = run.add((what >> 2) % kSessions, exact(text));
  }
  MESH_ASSERT(done || !free);
}

}  // namespace

void one_input(ByteView input) {
  static Run run;
  run.reassembly.clear(run.drops);
  Script script(input);
  while (!script.over()) {
    const std::uint8_t what = script.u8();
    switch (what >> 5) {
      case 0:
        run.now += milliseconds(script.u16());
        break;
      case 1:
        run.add(what % kSessions, exact(script.bytes(script.u8())));
        break;
      case 2:
        honest(script, run, what);
        break;
      default:
        crafted(script, run, what);
    }
  }
}

}  // namespace meshnode::fuzz
