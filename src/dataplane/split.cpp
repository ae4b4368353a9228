#include "dataplane/split.h"

#include "base/result.h"

namespace meshnode::dataplane {
namespace {

constexpr std::size_t kBlock = wire::kMaxPadding + 1;

// Data bytes per piece, so that header and data together are whole blocks.
std::size_t share_of(std::size_t whole, std::size_t text_limit) {
  const std::size_t most = text_limit / kBlock * kBlock - wire::kPieceHeaderSize;
  const std::size_t count = (whole + most - 1) / most;
  const std::size_t even = (whole + count - 1) / count + wire::kPieceHeaderSize;
  return (even + kBlock - 1) / kBlock * kBlock - wire::kPieceHeaderSize;
}

}  // namespace

Splitter::Splitter(ByteView whole, wire::FrameKind kind, std::uint32_t packet,
                   std::size_t text_limit)
    : whole_(whole), kind_(kind), packet_(packet), share_(share_of(whole.size(), text_limit)) {
  MESH_ASSERT(!whole.empty() && whole.size() <= wire::kMaxWhole && text_limit >= kLeastText);
}

std::size_t Splitter::next_size() const {
  const std::size_t left = whole_.size() - at_;
  return left == 0 ? 0 : wire::kPieceHeaderSize + std::min(left, share_);
}

std::size_t Splitter::next(std::uint8_t* out) {
  const std::size_t size = next_size();
  if (size == 0) return 0;
  const ByteView data = whole_.subspan(at_, size - wire::kPieceHeaderSize);
  wire::write_piece_header(out, {.packet = packet_,
                                 .total = static_cast<std::uint16_t>(whole_.size()),
                                 .offset = static_cast<std::uint16_t>(at_),
                                 .kind = kind_,
                                 .data = {}});
  std::copy(data.begin(), data.end(), out + wire::kPieceHeaderSize);
  at_ += data.size();
  return size;
}

}  // namespace meshnode::dataplane
