#include "dataplane/segment.h"

#include <algorithm>
#include <cstring>

#include "base/gso.h"
#include "dataplane/checksum.h"

namespace meshnode::dataplane {
namespace {

constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kPsh = 0x08;
constexpr std::uint8_t kCwr = 0x80;

bool type_fits(std::uint16_t gso_type, const PacketView& view) {
  switch (gso_type) {
    case kGsoTcpV4:
      return view.tcp() && !view.v6;
    case kGsoTcpV6:
      return view.tcp() && view.v6;
    case kGsoUdpL4:
      return view.udp();
    default:
      return false;
  }
}

std::uint16_t checksum_offset(const PacketView& view) {
  return view.protocol == wire::tcp ? kTcpChecksumOffset : kUdpChecksumOffset;
}

std::uint16_t low16(std::size_t value) {
  return static_cast<std::uint16_t>(value);
}

}  // namespace

bool Segmenter::begin(const TunFrame& frame) {
  count_ = index_ = 0;
  behind_size_ = 0;
  if (frame.gso_type == kGsoNone) return begin_single(frame);
  const auto view = view_packet(frame.packet);
  return view && begin_super(frame, *view);
}

bool Segmenter::begin_single(const TunFrame& frame) {
  if (frame.packet.empty()) return false;
  if (frame.needs_csum && !complete_checksum(frame.packet, frame.csum_start, frame.csum_offset))
    return false;
  frame_ = frame.packet;
  segment_size_ = 0;
  count_ = 1;
  largest_ = frame_.size();
  return true;
}

bool Segmenter::begin_super(const TunFrame& frame, const PacketView& view) {
  if (!type_fits(frame.gso_type, view) || view.total_size != frame.packet.size()) return false;
  if (frame.gso_size == 0 || view.header_size > kMaxHeader) return false;
  if (frame.needs_csum &&
      (frame.csum_start != view.ip_size || frame.csum_offset != checksum_offset(view)))
    return false;
  // Only the sender of such a frame knows where its pseudo header ends.
  if (view.routed && !frame.needs_csum) return false;
  frame_ = frame.packet;
  view_ = view;
  segment_size_ = frame.gso_size;
  count_ = std::max<std::size_t>(1, (view.payload_size() + segment_size_ - 1) / segment_size_);
  largest_ = view.header_size + std::min(segment_size_, view.payload_size());
  prepare_template(frame);
  return true;
}

// What is the same in all segments, once.
void Segmenter::prepare_template(const TunFrame& frame) {
  std::uint8_t* header = header_.data();
  std::memcpy(header, frame_.data(), view_.header_size);
  std::uint8_t* transport = header + view_.ip_size;
  if (view_.routed) {
    // The field holds the pseudo header with the last destination and the frame's length.
    const std::uint16_t whole = load_be<std::uint16_t>(transport + frame.csum_offset);
    pseudo_ = sum_add(whole, complement(low16(view_.total_size - view_.ip_size)));
  } else {
    pseudo_ = pseudo_header_sum({header, view_.ip_size}, view_.protocol);
  }
  if (view_.tcp()) sequence_ = load_be<std::uint32_t>(transport + 4);
  if (view_.v6) return;
  id_ = load_be<std::uint16_t>(header + 4);
  std::memset(header + 2, 0, 4);
  std::memset(header + 10, 0, 2);
  ip_sum_ = sum_of({header, view_.ip_size});
}

MutableBytes Segmenter::next() {
  if (index_ == count_) return {};
  if (segment_size_ == 0) {
    ++index_;
    return frame_;
  }
  restore_behind();
  const std::size_t at = index_ * segment_size_;
  const std::size_t payload = std::min(segment_size_, view_.payload_size() - at);
  const MutableBytes packet = frame_.subspan(at, view_.header_size + payload);
  write_header(packet);
  save_behind(packet.data() + packet.size());
  ++index_;
  return packet;
}

void Segmenter::write_header(MutableBytes packet) const {
  std::memcpy(packet.data(), header_.data(), view_.header_size);
  write_ip(packet);
  std::uint8_t* transport = packet.data() + view_.ip_size;
  const std::uint16_t covered = low16(packet.size() - view_.ip_size);
  if (view_.tcp()) {
    store_be(transport + 4, static_cast<std::uint32_t>(sequence_ + index_ * segment_size_));
    std::uint8_t drop = 0;
    if (index_ > 0) drop |= kCwr;
    if (index_ + 1 < count_) drop |= kFin | kPsh;
    transport[13] = static_cast<std::uint8_t>(transport[13] & ~drop);
  } else {
    store_be(transport + 4, covered);
  }
  const std::uint16_t offset = checksum_offset(view_);
  store_be(transport + offset, sum_add(pseudo_, covered));
  complete_checksum(packet, view_.ip_size, offset);
}

void Segmenter::write_ip(MutableBytes packet) const {
  if (view_.v6) {
    store_be(packet.data() + 4, low16(packet.size() - 40));
    return;
  }
  const std::uint16_t size = low16(packet.size());
  const std::uint16_t id = low16(id_ + index_);
  store_be(packet.data() + 2, size);
  store_be(packet.data() + 4, id);
  store_be(packet.data() + 10, complement(sum_add(sum_add(ip_sum_, size), id)));
}

void Segmenter::save_behind(const std::uint8_t* end) {
  const std::size_t at = static_cast<std::size_t>(end - frame_.data());
  behind_at_ = frame_.data() + at;
  behind_size_ = std::min(behind_.size(), frame_.size() - at);
  std::memcpy(behind_.data(), behind_at_, behind_size_);
}

void Segmenter::restore_behind() {
  if (behind_size_ > 0) std::memcpy(behind_at_, behind_.data(), behind_size_);
  behind_size_ = 0;
}

}  // namespace meshnode::dataplane
