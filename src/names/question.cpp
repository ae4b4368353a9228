#include "names/question.h"

namespace meshnode::names {
namespace {

constexpr std::size_t kMaxName = 255;  // RFC 1035 §2.3.4
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMostExtras = 8;  // a resolver sends one OPT, perhaps a signature
constexpr std::uint16_t kOpt = 41;

// Big-endian; past the end it fails for good.
class DnsReader {
 public:
  explicit DnsReader(ByteView in) : in_(in) {}

  ByteView bytes(std::size_t n) {
    if (!ok_ || n > in_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += n;
    return in_.subspan(at_ - n, n);
  }
  std::uint8_t u8() {
    const ByteView taken = bytes(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }
  std::uint16_t u16() {
    const ByteView taken = bytes(2);
    return taken.empty() ? std::uint16_t{0} : load_be<std::uint16_t>(taken.data());
  }
  // In a question there is nothing before it that a pointer could point to.
  std::vector<std::string> name() {
    std::vector<std::string> out;
    const std::size_t begin = at_;
    for (std::uint8_t size = u8(); ok_ && size != 0; size = u8()) {
      ok_ = ok_ && size <= kMaxLabel;
      std::string label(as_text(bytes(ok_ ? size : 0)));
      for (char& c : label)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      out.push_back(std::move(label));
      ok_ = ok_ && at_ - begin < kMaxName;
    }
    return out;
  }
  // Where it leads does not matter.
  void skip_name() {
    constexpr std::uint8_t kPointer = 0xc0;
    const std::size_t begin = at_;
    for (std::uint8_t size = u8(); ok_ && size != 0; size = u8()) {
      if ((size & kPointer) == kPointer) {
        bytes(1);
        return;
      }
      ok_ = ok_ && size <= kMaxLabel && at_ - begin < kMaxName;
      bytes(ok_ ? size : 0);
    }
  }
  std::size_t at() const { return at_; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && at_ == in_.size(); }

 private:
  ByteView in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// RFC 6891 §6.1: owner is the root, at most one, version 0.
bool read_extra(DnsReader& reader, Question& to) {
  const std::size_t begin = reader.at();
  reader.skip_name();
  const bool root = reader.at() == begin + 1;
  const std::uint16_t type = reader.u16();
  reader.u16();  // OPT: how large an answer may be; ours fit into anything
  reader.u8();
  const std::uint8_t version = reader.u8();
  reader.u16();
  reader.bytes(reader.u16());
  if (!reader.ok()) return false;
  if (type != kOpt) return true;
  if (!root || to.edns) return false;
  to.edns = true;
  if (version != 0) to.problem = Rcode::bad_version;
  return true;
}

}  // namespace

std::optional<Question> parse_question(ByteView datagram) {
  DnsReader reader(datagram);
  Question out;
  out.id = reader.u16();
  const std::uint16_t flags = reader.u16();
  const std::uint16_t questions = reader.u16();
  const std::uint16_t answers = reader.u16();
  const std::uint16_t authorities = reader.u16();
  const std::uint16_t extras = reader.u16();
  if (!reader.ok() || (flags & 0x8000) != 0) return std::nullopt;
  out.recursion_desired = (flags & 0x0100) != 0;
  if ((flags & 0x7800) != 0) {
    out.problem = Rcode::not_implemented;
    return out;
  }
  out.problem = Rcode::format_error;
  if (questions != 1 || answers != 0 || authorities != 0 || extras > kMostExtras) return out;
  out.labels = reader.name();
  out.type = reader.u16();
  out.cls = reader.u16();
  if (!reader.ok()) return out;
  out.wire = to_bytes(datagram.subspan(kDnsHeader, reader.at() - kDnsHeader));
  out.problem = Rcode::no_error;
  for (std::uint16_t i = 0; i < extras; ++i)
    if (!read_extra(reader, out)) out.problem = Rcode::format_error;
  if (!reader.done()) out.problem = Rcode::format_error;
  return out;
}

}  // namespace meshnode::names
