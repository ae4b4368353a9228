#include "names/responder.h"

#include <algorithm>

#include "base/result.h"
#include "names/label.h"
#include "names/question.h"

namespace meshnode::names {
namespace {

enum Type : std::uint16_t {
  kA = 1,
  kNs = 2,
  kSoa = 6,
  kPtr = 12,
  kAaaa = 28,
  kOpt = 41,
  kAny = 255
};
constexpr std::uint16_t kIn = 1;
constexpr std::uint16_t kAnyClass = 255;
constexpr std::uint16_t kIxfr = 251;
constexpr std::uint16_t kAxfr = 252;
constexpr std::uint16_t kLargestDatagram = 1232;  // that we can read, as the OPT record tells
constexpr std::size_t kNibbles = 32;              // of an IPv6 address
constexpr std::size_t kArpaLabels = 2;            // "ip6.arpa"

class DnsWriter {
 public:
  void u8(std::size_t v) { out_.push_back(static_cast<std::uint8_t>(v)); }
  void u16(std::size_t v) {
    u8(v >> 8 & 0xff);
    u8(v & 0xff);
  }
  void u32(std::uint32_t v) {
    u16(v >> 16);
    u16(v & 0xffff);
  }
  void bytes(ByteView v) { out_.insert(out_.end(), v.begin(), v.end()); }
  // Labels of 1 to 63 bytes between dots.
  void name(std::string_view text) {
    while (!text.empty()) {
      const auto size = std::min(text.find('.'), text.size());
      u8(size);
      bytes(as_bytes(text.substr(0, size)));
      text.remove_prefix(std::min(size + 1, text.size()));
    }
    u8(0);
  }
  // The length that stands before what is written next.
  std::size_t open_data() {
    u16(0);
    return out_.size();
  }
  void close_data(std::size_t begin) {
    store_be(out_.data() + begin - 2, static_cast<std::uint16_t>(out_.size() - begin));
  }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

// What there is to say about one name.
struct Finding {
  Rcode rcode = Rcode::refused;
  std::string zone{};              // whose SOA a negative answer carries
  bool apex = false;               // the name is the zone's
  const Member* member = nullptr;  // whose addresses
  std::string target{};            // of a PTR
};

Finding nothing_there(const std::string& zone, bool name_exists) {
  return {name_exists ? Rcode::no_error : Rcode::name_error, zone};
}

Finding look_forward(const Table& table, const std::vector<std::string>& labels) {
  const std::string zone(kZone);
  if (labels.size() == 1) return {Rcode::no_error, zone, true};
  const bool of_ids = labels.size() >= 2 && labels[labels.size() - 2] == "id";
  const Member* member = nullptr;
  if (labels.size() == 2) member = table.by_label(labels[0]);
  if (labels.size() == 3 && of_ids) member = table.by_id(labels[0]);
  // "id.mesh" has names below it, so it exists (RFC 8020).
  if (member == nullptr) return nothing_there(zone, labels.size() == 2 && of_ids);
  return {Rcode::no_error, zone, false, member};
}

int nibble(std::string_view label) {
  if (label.size() != 1) return -1;
  const char c = label[0];
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The address, or the beginning of one, that a name below ip6.arpa is about.
std::optional<Cidr> reversed(const std::vector<std::string>& labels) {
  if (labels.size() < kArpaLabels || labels.back() != "arpa" || labels[labels.size() - 2] != "ip6")
    return std::nullopt;
  const std::size_t count = labels.size() - kArpaLabels;
  if (count > kNibbles) return std::nullopt;
  Block<16> raw{};
  for (std::size_t i = 0; i < count; ++i) {
    const int value = nibble(labels[count - 1 - i]);
    if (value < 0) return std::nullopt;
    raw[i / 2] = static_cast<std::uint8_t>(raw[i / 2] | value << (i % 2 == 0 ? 4 : 0));
  }
  return Cidr{IpAddress::v6(raw), static_cast<std::uint8_t>(count * 4)};
}

bool ends_with(const std::vector<std::string>& labels, std::string_view zone) {
  std::string all;
  for (const std::string& label : labels) {
    if (label.find('.') != label.npos) return false;
    all += (all.empty() ? "" : ".") + label;
  }
  return all == zone || all.ends_with("." + std::string(zone));
}

Finding look_back(const Table& table, const Cidr& prefix, const std::string& zone,
                  const std::vector<std::string>& labels) {
  const auto asked = reversed(labels);
  if (!asked) return nothing_there(zone, false);
  if (asked->prefix == prefix.prefix) return {Rcode::no_error, zone, true};
  const Member* member = asked->prefix == 128 ? table.by_address(asked->ip) : nullptr;
  if (member == nullptr)
    return nothing_there(zone, asked->prefix < 128 && table.any_within(*asked));
  Finding out{Rcode::no_error, zone};
  out.target = table.name_of(*member);
  return out;
}

Finding find(const Table& table, const Cidr& prefix, const Question& question) {
  if (question.problem != Rcode::no_error) return {question.problem};
  const bool transfer = question.type == kIxfr || question.type == kAxfr;
  if (transfer || (question.cls != kIn && question.cls != kAnyClass)) return {};
  const auto& labels = question.labels;
  if (!labels.empty() && labels.back() == kZone) return look_forward(table, labels);
  const std::string zone = reverse_zone(prefix);
  if (ends_with(labels, zone)) return look_back(table, prefix, zone, labels);
  return {};
}

class Answer {
 public:
  explicit Answer(const Question& question) : question_(question) {}

  Bytes make(const Finding& found) {
    if (found.rcode == Rcode::no_error) positive(found);
    const bool negative = answers_ == 0 && !found.zone.empty();
    if (negative) soa(found.zone, false);
    if (question_.edns) opt(found.rcode);
    DnsWriter out;
    out.u16(question_.id);
    // QR, AA where the zone is ours, RD as asked; never RA.
    out.u16(0x8000U | (found.zone.empty() ? 0 : 0x0400U) |
            (question_.recursion_desired ? 0x0100U : 0) |
            (static_cast<unsigned>(found.rcode) & 0x0fU));
    out.u16(question_.wire.empty() ? 0 : 1);
    out.u16(answers_);
    out.u16(negative ? 1 : 0);
    out.u16(question_.edns ? 1 : 0);
    out.bytes(question_.wire);
    out.bytes(records_.take());
    return out.take();
  }

 private:
  bool wants(std::uint16_t type) const { return question_.type == type || question_.type == kAny; }

  void positive(const Finding& found) {
    if (found.apex && wants(kSoa)) soa(found.zone, true);
    if (found.apex && wants(kNs)) {
      const auto data = begin(kNs, kTtl);
      records_.name(found.zone);
      records_.close_data(data);
    }
    if (!found.target.empty() && wants(kPtr)) {
      const auto data = begin(kPtr, kTtl);
      records_.name(found.target);
      records_.close_data(data);
    }
    if (found.member == nullptr) return;
    for (const IpAddress& address : found.member->addresses) {
      if (!wants(address.is_v4() ? kA : kAaaa)) continue;
      const auto data = begin(address.is_v4() ? kA : kAaaa, kTtl);
      records_.bytes(address.bytes());
      records_.close_data(data);
    }
  }

  // A record about the name in question.
  std::size_t begin(std::uint16_t type, std::uint32_t ttl) {
    ++answers_;
    records_.u16(0xc000 | kDnsHeader);
    return fields(type, ttl);
  }
  std::size_t fields(std::uint16_t type, std::uint32_t ttl) {
    records_.u16(type);
    records_.u16(kIn);
    records_.u32(ttl);
    return records_.open_data();
  }

  // As of a zone that everybody serves for itself (RFC 6303 §3). Its last field is how long "there
  // is none" may be remembered (RFC 2308 §4).
  void soa(const std::string& zone, bool asked) {
    if (asked) ++answers_;
    records_.name(zone);
    const auto data = fields(kSoa, kNegativeTtl);
    records_.name(zone);
    records_.name("nobody.invalid");
    for (const std::uint32_t value : {1U, 3600U, 1200U, 604800U, kNegativeTtl}) records_.u32(value);
    records_.close_data(data);
  }

  void opt(Rcode rcode) {
    records_.u8(0);
    records_.u16(kOpt);
    records_.u16(kLargestDatagram);
    records_.u8(static_cast<unsigned>(rcode) >> 4);
    records_.u8(0);
    records_.u16(0);
    records_.u16(0);
  }

  const Question& question_;
  DnsWriter records_;
  std::uint16_t answers_ = 0;
};

}  // namespace

std::optional<Bytes> answer(const Table& table, const Cidr& prefix, ByteView query) {
  const auto question = parse_question(query);
  if (!question) return std::nullopt;
  Bytes out = Answer(*question).make(find(table, prefix, *question));
  MESH_ASSERT(out.size() <= kMaxAnswer);
  return out;
}

std::string reverse_zone(const Cidr& prefix) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "ip6.arpa";
  const ByteView raw = prefix.ip.bytes();
  for (std::size_t i = 0; i < prefix.prefix / 4U && i / 2 < raw.size(); ++i) {
    const unsigned value = i % 2 == 0 ? raw[i / 2] >> 4U : raw[i / 2] & 15U;
    out = std::string(1, kDigits[value]) + "." + out;
  }
  return out;
}

}  // namespace meshnode::names
