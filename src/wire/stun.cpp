#include "wire/stun.h"

namespace meshnode::wire {
namespace {

constexpr std::uint16_t kBindingRequest = 0x0001;
constexpr std::uint16_t kBindingSuccess = 0x0101;
constexpr std::uint32_t kMagicCookie = 0x2112a442;
constexpr std::string_view kSoftwareText = "STUN Binding client, RFC 8489       ";
static_assert(kStunHeaderSize + 4 + kSoftwareText.size() == kStunRequestSize);

enum Attribute : std::uint16_t {
  kMappedAddress = 0x0001,
  kChangeRequest = 0x0003,
  kUsername = 0x0006,
  kMessageIntegrity = 0x0008,
  kMessageIntegritySha256 = 0x001c,
  kXorMappedAddress = 0x0020,
  kPriority = 0x0024,
  kResponsePort = 0x0027,
  kSoftware = 0x8022,
  kResponseOrigin = 0x802b,
  kOtherAddress = 0x802c,
  kStartId = 0xc0de,     // ours
  kServerTime = 0xc0df,  // ours
};
// RFC 8489 §14: below this a receiver has to understand the attribute.
constexpr std::uint16_t kFirstOptional = 0x8000;

constexpr std::uint32_t kChangeIp = 4;
constexpr std::uint32_t kChangePort = 2;

constexpr std::uint8_t kFamilyV4 = 1;
constexpr std::uint8_t kFamilyV6 = 2;

template <typename Int>
void put_be(Bytes& out, Int value) {
  std::uint8_t raw[sizeof(Int)];
  store_be(raw, value);
  out.insert(out.end(), raw, raw + sizeof(Int));
}

// The header, checked; the attributes' view, or nothing.
std::optional<ByteView> attributes_of(ByteView datagram, std::uint16_t type) {
  if (datagram.size() < kStunHeaderSize || datagram.size() > kMaxStunSize) return std::nullopt;
  const std::uint8_t* raw = datagram.data();
  if (load_be<std::uint16_t>(raw) != type || load_be<std::uint32_t>(raw + 4) != kMagicCookie)
    return std::nullopt;
  const std::size_t length = load_be<std::uint16_t>(raw + 2);
  if (length % 4 != 0 || length != datagram.size() - kStunHeaderSize) return std::nullopt;
  return datagram.subspan(kStunHeaderSize);
}

// Calls visit(type, value) for each attribute; false if one is malformed or visit says so.
template <typename Visit>
bool each_attribute(ByteView in, Visit visit) {
  while (!in.empty()) {
    if (in.size() < 4) return false;
    const auto type = load_be<std::uint16_t>(in.data());
    const std::size_t size = load_be<std::uint16_t>(in.data() + 2);
    const std::size_t padded = (size + 3) / 4 * 4;
    if (padded > in.size() - 4) return false;
    if (!visit(type, in.subspan(4, size))) return false;
    in = in.subspan(4 + padded);
  }
  return true;
}

// RFC 8489 §14.2: port and address are mixed with cookie and transaction, against meddling NATs.
Block<16> mask_of(const StunTransaction& transaction) {
  Block<16> mask{};
  store_be(mask.data(), kMagicCookie);
  std::copy(transaction.begin(), transaction.end(), mask.begin() + 4);
  return mask;
}

std::optional<Endpoint> read_address(ByteView value, const Block<16>& mask) {
  if (value.size() < 8) return std::nullopt;
  const std::size_t size = value[1] == kFamilyV4 ? 4 : value[1] == kFamilyV6 ? 16 : 0;
  if (size == 0 || value.size() != 4 + size) return std::nullopt;
  Block<16> address{};
  for (std::size_t i = 0; i < size; ++i)
    address[i] = static_cast<std::uint8_t>(value[4 + i] ^ mask[i]);
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(load_be<std::uint16_t>(value.data() + 2) ^
                                             load_be<std::uint16_t>(mask.data()));
  endpoint.ip = IpAddress::from_bytes(ByteView(address).first(size));
  return endpoint;
}

// False if `budget` does not allow it; nothing is appended then.
bool append_address(Bytes& out, std::size_t budget, Attribute type, const Endpoint& endpoint,
                    const Block<16>& mask) {
  const ByteView address = endpoint.ip.bytes();
  if (address.empty() || out.size() + 8 + address.size() > budget) return false;
  put_be<std::uint16_t>(out, type);
  put_be(out, static_cast<std::uint16_t>(4 + address.size()));
  out.push_back(0);
  out.push_back(endpoint.ip.is_v4() ? kFamilyV4 : kFamilyV6);
  put_be(out, static_cast<std::uint16_t>(endpoint.port ^ load_be<std::uint16_t>(mask.data())));
  for (std::size_t i = 0; i < address.size(); ++i)
    out.push_back(static_cast<std::uint8_t>(address[i] ^ mask[i]));
  return true;
}

void append_u64(Bytes& out, std::size_t budget, Attribute type, std::uint64_t value) {
  if (out.size() + 12 > budget) return;
  put_be<std::uint16_t>(out, type);
  put_be<std::uint16_t>(out, 8);
  put_be(out, value);
}

Bytes header(std::uint16_t type, const StunTransaction& transaction) {
  Bytes out;
  out.reserve(124);
  put_be(out, type);
  put_be<std::uint16_t>(out, 0);
  put_be(out, kMagicCookie);
  out.insert(out.end(), transaction.begin(), transaction.end());
  return out;
}

void set_length(Bytes& out) {
  store_be(out.data() + 2, static_cast<std::uint16_t>(out.size() - kStunHeaderSize));
}

bool transaction_is(ByteView datagram, const StunTransaction& transaction) {
  return std::equal(transaction.begin(), transaction.end(), datagram.begin() + 8);
}

}  // namespace

std::optional<StunRequest> parse_stun_request(ByteView datagram) {
  const auto attributes = attributes_of(datagram, kBindingRequest);
  if (!attributes) return std::nullopt;
  StunRequest request;
  request.size = datagram.size();
  std::copy_n(datagram.begin() + 8, request.transaction.size(), request.transaction.begin());
  const bool ok = each_attribute(*attributes, [&](std::uint16_t type, ByteView value) {
    switch (type) {
      case kChangeRequest: {
        if (value.size() != 4) return false;
        const auto flags = load_be<std::uint32_t>(value.data());
        request.change_ip = (flags & kChangeIp) != 0;
        request.change_port = (flags & kChangePort) != 0;
        return true;
      }
      case kResponsePort: {
        // The port and two bytes of padding, which some count and some do not.
        if (value.size() != 2 && value.size() != 4) return false;
        request.response_port = load_be<std::uint16_t>(value.data());
        return request.response_port != 0;
      }
      case kUsername:
      case kMessageIntegrity:
      case kMessageIntegritySha256:
      case kPriority:
        return true;
      default:
        return type >= kFirstOptional;
    }
  });
  if (!ok) return std::nullopt;
  return request;
}

Bytes stun_response(const StunRequest& request, const Endpoint& mapped, std::uint64_t start_id,
                    const Endpoint& other_address, const Endpoint& response_origin,
                    std::optional<UnixTime> time) {
  const std::size_t budget = request.size * kStunAmplification;
  Bytes out = header(kBindingSuccess, request.transaction);
  if (!append_address(out, budget, kXorMappedAddress, mapped, mask_of(request.transaction)))
    return {};
  append_u64(out, budget, kStartId, start_id);
  append_address(out, budget, kOtherAddress, other_address, {});
  append_address(out, budget, kResponseOrigin, response_origin, {});
  if (time) append_u64(out, budget, kServerTime, static_cast<std::uint64_t>(time->ms));
  set_length(out);
  return out;
}

Bytes stun_request(const StunTransaction& transaction, const StunWishes& wishes) {
  Bytes out = header(kBindingRequest, transaction);
  put_be<std::uint16_t>(out, kSoftware);
  put_be(out, static_cast<std::uint16_t>(kSoftwareText.size()));
  Writer(out).bytes(as_bytes(kSoftwareText));
  if (wishes.change_ip || wishes.change_port) {
    put_be<std::uint16_t>(out, kChangeRequest);
    put_be<std::uint16_t>(out, 4);
    put_be<std::uint32_t>(
        out, (wishes.change_ip ? kChangeIp : 0) | (wishes.change_port ? kChangePort : 0));
  }
  if (wishes.response_port != 0) {
    put_be<std::uint16_t>(out, kResponsePort);
    put_be<std::uint16_t>(out, 4);
    put_be(out, wishes.response_port);
    put_be<std::uint16_t>(out, 0);
  }
  set_length(out);
  return out;
}

std::optional<StunResponse> parse_stun_response(ByteView datagram,
                                                const StunTransaction& transaction) {
  const auto attributes = attributes_of(datagram, kBindingSuccess);
  if (!attributes || !transaction_is(datagram, transaction)) return std::nullopt;
  StunResponse response;
  Endpoint plain;
  const bool ok = each_attribute(*attributes, [&](std::uint16_t type, ByteView value) {
    const bool is_xor = type == kXorMappedAddress;
    if (type == kStartId) {
      if (value.size() == 8 && !response.start_id)
        response.start_id = load_be<std::uint64_t>(value.data());
      return true;
    }
    if (type == kServerTime) {
      if (value.size() == 8 && !response.time)
        response.time = UnixTime{static_cast<std::int64_t>(load_be<std::uint64_t>(value.data()))};
      return true;
    }
    Endpoint* field = is_xor                    ? &response.mapped
                      : type == kMappedAddress  ? &plain
                      : type == kOtherAddress   ? &response.other
                      : type == kResponseOrigin ? &response.origin
                                                : nullptr;
    if (field == nullptr)
      return type >= kFirstOptional || type == kMessageIntegrity || type == kMessageIntegritySha256;
    const auto endpoint = read_address(value, is_xor ? mask_of(transaction) : Block<16>{});
    if (!endpoint) return false;
    // RFC 8489 §14: only the first of a kind counts.
    if (!field->ip) *field = *endpoint;
    return true;
  });
  if (!ok) return std::nullopt;
  if (!response.mapped.ip) response.mapped = plain;
  if (!response.mapped.ip || response.mapped.port == 0) return std::nullopt;
  return response;
}

}  // namespace meshnode::wire
