#include "dataplane/coalesce.h"

#include <algorithm>
#include <cstring>

#include "base/gso.h"
#include "base/result.h"
#include "dataplane/checksum.h"

namespace meshnode::dataplane {
namespace {

constexpr std::uint8_t kPsh = 0x08;
constexpr std::uint8_t kAck = 0x10;
constexpr std::uint16_t kDontFragment = 0x4000;

bool equal(const std::uint8_t* a, const std::uint8_t* b, std::size_t from, std::size_t to) {
  return std::memcmp(a + from, b + from, to - from) == 0;
}

std::uint16_t id_of(const std::uint8_t* ip) {
  return load_be<std::uint16_t>(ip + 4);
}

std::uint32_t sequence_of(const std::uint8_t* packet, const PacketView& view) {
  return load_be<std::uint32_t>(packet + view.ip_size + 4);
}

// Source and destination, and where they are.
std::size_t addresses_at(const PacketView& view) {
  return view.v6 ? 8 : 12;
}
std::size_t address_size(const PacketView& view) {
  return view.v6 ? 16 : 4;
}

bool same_source(const std::uint8_t* a, const std::uint8_t* b, const PacketView& view) {
  const std::size_t at = addresses_at(view);
  return equal(a, b, at, at + address_size(view));
}

// The IP header of a plain packet but for length, ID, checksum and addresses.
bool same_ip(const std::uint8_t* a, const std::uint8_t* b, const PacketView& view) {
  if (view.v6) return equal(a, b, 0, 4) && a[7] == b[7];  // class, flow label; hop limit
  return a[1] == b[1] && equal(a, b, 6, 9);               // TOS; DF, TTL
}

// The TCP header but for sequence, PSH, checksum and ports.
bool same_tcp(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) {
  return equal(a, b, 8, 13) && equal(a, b, 14, 16) && equal(a, b, 18, size);
}

bool right_checksum(ByteView packet, const PacketView& view) {
  const std::size_t covered = view.total_size - view.ip_size;
  const std::uint16_t pseudo = sum_add(pseudo_header_sum(packet.first(view.ip_size), view.protocol),
                                       static_cast<std::uint16_t>(covered));
  return sum_of(packet.subspan(view.ip_size, covered), pseudo) == 0xffff;
}

// A wrong one must stay wrong.
bool right_ip_checksum(ByteView packet, const PacketView& view) {
  return view.v6 || sum_of(packet.first(view.ip_size)) == 0xffff;
}

}  // namespace

Coalescer::Coalescer(std::span<const MutableBytes> slots, Settings settings)
    : slots_(slots.begin(), slots.end()), frames_(slots.size()), settings_(settings) {
  MESH_ASSERT(!slots_.empty());
  for (const MutableBytes slot : slots_) MESH_ASSERT(slot.size() >= kSlotSize);
  out_.reserve(slots_.size());
}

MutableBytes Coalescer::place_for(std::size_t size) {
  MESH_ASSERT(place_.empty() && size > 0 && size <= kLargestFrame + kFrameTailroom);
  if (flushed_) start_batch();
  guessed_ = 0;
  // A full slot list refuses even what might continue: the guess could be wrong.
  if (used_ == slots_.size()) return {};
  place_ = slots_[used_].subspan(kFrameHeadroom, size);
  if (used_ > 0) guess(frames_[latest_]);
  return place_;
}

// Moves the place to the end of `frame` if the packet may continue it by its size.
void Coalescer::guess(const Frame& frame) {
  if (!frame.open) return;
  const std::size_t header = frame.view.header_size;
  const std::size_t size = place_.size();
  if (size <= header || size >= header + frame.segment_size + kFrameTailroom) return;
  if (frame.size - header + size > kLargestFrame + kFrameTailroom) return;
  guessed_ = header;
  place_ = {frame.begin + frame.size - header, size};
  std::memcpy(saved_.data(), place_.data(), header);
}

void Coalescer::reject() {
  MESH_ASSERT(!place_.empty());
  put_back();
  place_ = {};
}

void Coalescer::put_back() {
  if (guessed_ > 0) std::memcpy(place_.data(), saved_.data(), guessed_);
  guessed_ = 0;
}

void Coalescer::accept(std::size_t size) {
  MESH_ASSERT(size > 0 && size <= place_.size());
  Packet packet{.bytes = place_.first(size), .view = {}};
  const auto view = view_packet(packet.bytes);
  if (view && view->total_size == size) packet.view = *view;
  packet.joinable = joinable(packet);

  if (!packet.view.transport)
    close_source(packet);
  else if (Frame* frame = open_frame_of(packet)) {
    if (packet.joinable && continues(*frame, packet)) {
      append(*frame, packet);
      place_ = {};
      return;
    }
    frame->open = false;
  }
  start_frame(packet);
  place_ = {};
}

bool Coalescer::joinable(const Packet& packet) const {
  const PacketView& view = packet.view;
  if (!view.transport || !view.plain || view.payload_size() == 0) return false;
  const std::uint8_t* transport = packet.bytes.data() + view.ip_size;
  if (view.tcp()) {
    if (!settings_.tcp || (transport[13] & ~kPsh) != kAck) return false;
  } else {
    const std::size_t size = load_be<std::uint16_t>(transport + 4);
    const bool unchecked = load_be<std::uint16_t>(transport + 6) == 0;
    if (!settings_.udp || unchecked || size != view.total_size - view.ip_size) return false;
  }
  return right_ip_checksum(packet.bytes, view) && right_checksum(packet.bytes, view);
}

// At most one frame of a flow is open; the newest is the likeliest.
Coalescer::Frame* Coalescer::open_frame_of(const Packet& packet) {
  const PacketView& view = packet.view;
  const std::uint8_t* bytes = packet.bytes.data();
  const std::size_t from = addresses_at(view);
  const std::size_t to = from + 2 * address_size(view);
  for (std::size_t i = used_; i-- > 0;) {
    Frame& frame = frames_[i];
    if (!frame.open || frame.view.v6 != view.v6 || frame.view.protocol != view.protocol) continue;
    const std::uint8_t* header = frame.header.data();
    if (std::memcmp(header + frame.view.ip_size, bytes + view.ip_size, 4) == 0 &&
        (view.routed ? same_source(header, bytes, view) : equal(header, bytes, from, to)))
      return &frame;
  }
  return nullptr;
}

// A packet that does not say its ports may belong to any flow of its source.
void Coalescer::close_source(const Packet& packet) {
  for (std::size_t i = 0; i < used_; ++i) {
    Frame& frame = frames_[i];
    if (!frame.open) continue;
    const bool known = packet.view.total_size > 0;
    if (!known || (frame.view.v6 == packet.view.v6 &&
                   same_source(frame.header.data(), packet.bytes.data(), packet.view)))
      frame.open = false;
  }
}

bool Coalescer::continues(const Frame& frame, const Packet& packet) const {
  const PacketView& view = packet.view;
  const std::uint8_t* header = frame.header.data();
  const std::uint8_t* bytes = packet.bytes.data();
  if (view.header_size != frame.view.header_size || !same_ip(header, bytes, view)) return false;
  if (view.payload_size() > frame.segment_size) return false;
  if (frame.size + view.payload_size() > kLargestFrame) return false;
  if (!view.v6) {
    const bool may_be_fixed = (load_be<std::uint16_t>(bytes + 6) & kDontFragment) != 0 &&
                              (frame.count == 1 || frame.fixed_id);
    const bool counts_on = frame.count == 1 || !frame.fixed_id;
    const std::uint16_t first = id_of(header);
    const bool next = id_of(bytes) == static_cast<std::uint16_t>(first + frame.count);
    if (!(counts_on && next) && !(may_be_fixed && id_of(bytes) == first)) return false;
  }
  if (view.udp()) return frame.count < kMostUdpSegments;
  return sequence_of(bytes, view) == frame.next_sequence &&
         same_tcp(header + view.ip_size, bytes + view.ip_size, view.header_size - view.ip_size);
}

void Coalescer::append(Frame& frame, const Packet& packet) {
  const PacketView& view = packet.view;
  const std::size_t payload = view.payload_size();
  const std::uint8_t* bytes = packet.bytes.data();
  if (frame.count == 1 && !view.v6) frame.fixed_id = id_of(bytes) == id_of(frame.header.data());
  if (view.tcp()) frame.pushed = (bytes[view.ip_size + 13] & kPsh) != 0;
  frame.open = !frame.pushed && payload == frame.segment_size;
  latest_ = static_cast<std::size_t>(&frame - frames_.data());
  frame.next_sequence += static_cast<std::uint32_t>(payload);
  ++frame.count;

  std::uint8_t* end = frame.begin + frame.size;
  const std::uint8_t* from = bytes + view.header_size;
  // Whose payload is not in its place: the slower way.
  if (from != end) std::memcpy(end, from, payload);
  put_back();
  frame.size += payload;
}

void Coalescer::start_frame(const Packet& packet) {
  MutableBytes slot = slots_[used_].subspan(kFrameHeadroom);
  if (guessed_ > 0) {
    std::memcpy(slot.data(), packet.bytes.data(), packet.bytes.size());
    put_back();
  }
  // What cannot grow is no guess, unless there is nothing else.
  if (packet.joinable || used_ == 0) latest_ = used_;
  Frame& frame = frames_[used_++];
  frame.begin = slot.data();
  frame.size = packet.bytes.size();
  frame.count = 1;
  frame.open = packet.joinable;
  if (packet.joinable) remember(frame, {slot.first(frame.size), packet.view, true});
}

void Coalescer::remember(Frame& frame, const Packet& packet) {
  const PacketView& view = packet.view;
  const std::uint8_t* bytes = packet.bytes.data();
  frame.view = view;
  frame.segment_size = view.payload_size();
  frame.fixed_id = frame.pushed = false;
  std::memcpy(frame.header.data(), bytes, view.header_size);
  if (view.tcp()) {
    frame.pushed = (bytes[view.ip_size + 13] & kPsh) != 0;
    frame.open = !frame.pushed;
    frame.next_sequence =
        sequence_of(bytes, view) + static_cast<std::uint32_t>(view.payload_size());
  }
}

void Coalescer::start_batch() {
  used_ = 0;
  out_.clear();
  flushed_ = false;
}

std::span<const TunFrame> Coalescer::flush() {
  MESH_ASSERT(place_.empty());
  if (flushed_) start_batch();
  for (std::size_t i = 0; i < used_; ++i) finish(frames_[i], out_.emplace_back());
  flushed_ = true;
  return out_;
}

// A frame of several packets gets one header for all; its checksum is left to who takes it.
void Coalescer::finish(const Frame& frame, TunFrame& out) {
  out.packet = {frame.begin, frame.size};
  if (frame.count == 1) return;
  const PacketView& view = frame.view;
  const auto size = static_cast<std::uint16_t>(frame.size);
  const auto covered = static_cast<std::uint16_t>(frame.size - view.ip_size);
  std::uint8_t* ip = frame.begin;
  std::uint8_t* transport = ip + view.ip_size;
  if (view.v6) {
    store_be(ip + 4, covered);
  } else {
    store_be(ip + 2, size);
    store_be(ip + 10, std::uint16_t{0});
    store_be(ip + 10, complement(sum_of({ip, view.ip_size})));
  }
  if (view.udp()) store_be(transport + 4, covered);
  if (frame.pushed) transport[13] |= kPsh;
  out.gso_type = view.udp() ? kGsoUdpL4 : view.v6 ? kGsoTcpV6 : kGsoTcpV4;
  out.gso_size = static_cast<std::uint16_t>(frame.segment_size);
  out.needs_csum = true;
  out.csum_start = static_cast<std::uint16_t>(view.ip_size);
  out.csum_offset = view.udp() ? kUdpChecksumOffset : kTcpChecksumOffset;
  store_be(transport + out.csum_offset,
           sum_add(pseudo_header_sum({ip, view.ip_size}, view.protocol), covered));
}

}  // namespace meshnode::dataplane
