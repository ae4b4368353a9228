#include "wire/dht_message.h"

#include <algorithm>

#include "wire/dht_grammar.h"

namespace meshnode::wire {
namespace {

using namespace dht_grammar;

class Inspector {
 public:
  explicit Inspector(ByteView datagram) : datagram_(datagram), in_(datagram, 0, datagram.size()) {}

  std::optional<DhtMessage> run() {
    if (!top() || !in_.done()) return std::nullopt;
    return message_;
  }

 private:
  bool top();
  void body();
  void list_entry(ByteRange& nodes, ByteRange& entry, std::size_t node_size, std::size_t key_size);
  void values();
  void value(Cursor& in);
  Mask value_body(Cursor& in, std::uint64_t& type);
  void field_lists();
  void id_list();
  void filter_query();
  void want();
  void error();
  void part();

  ByteView datagram_;
  Cursor in_;
  DhtMessage message_;
  Mask body_seen_ = 0;
};

// n4 or n6; the cursor stands behind the key.
void Inspector::list_entry(ByteRange& nodes, ByteRange& entry, std::size_t node_size,
                           std::size_t key_size) {
  const std::size_t start = in_.at() - key_size;
  nodes = in_.bin(node_size, kMaxDhtNodes * node_size);
  in_.require(nodes.size % node_size == 0);
  entry = {start, in_.at() - start};
}

Mask Inspector::value_body(Cursor& in, std::uint64_t& type) {
  enum : unsigned { kSeq, kOwner, kTo, kType, kData, kUserType };
  static constexpr Keys<6> kKeys{"seq", "owner", "to", "type", "data", "utype"};
  const Mask seen = read_map(in, kKeys, [&](unsigned key) {
    switch (key) {
      case kSeq:
        in.uint(kAny16);
        break;
      case kOwner:
        in.bin(1, kMaxOwner);
        break;
      case kTo:
        in.bin(kDhtIdSize, kDhtIdSize);
        break;
      case kType:
        type = in.uint(kAny16);
        break;
      case kData:
        in.bin(0, kMaxDhtPart);
        break;
      default:
        in.text(kMaxText);
    }
  });
  const Mask always = bit(kType) | bit(kData);
  const Mask is_signed = bit(kSeq) | bit(kOwner);
  const bool has_owner = (seen & is_signed) != 0;
  in.require(has_owner ? shape(seen, always | is_signed, bit(kTo) | bit(kUserType))
                       : shape(seen, always, bit(kUserType)));
  return has_owner ? 1 : 0;
}

void Inspector::value(Cursor& in) {
  enum : unsigned { kValueId, kDat, kPriority };
  static constexpr Keys<3> kKeys{"id", "dat", "p"};
  enum : unsigned { kBodyOfValue, kSignature };
  static constexpr Keys<2> kDatKeys{"body", "sig"};
  std::uint64_t id = 0;
  std::uint64_t type = 0;
  bool plain = true;
  const Mask seen = read_map(in, kKeys, [&](unsigned key) {
    switch (key) {
      case kValueId:
        id = in.uint(kAny64);
        break;
      case kDat: {
        if ((in.peek() & 0xf0) != 0x80) {
          in.bin(1, kMaxDhtPart);  // sealed
          plain = false;
          break;
        }
        bool has_owner = false;
        const Mask parts = read_map(in, kDatKeys, [&](unsigned inner) {
          if (inner == kBodyOfValue)
            has_owner = value_body(in, type) != 0;
          else
            in.bin(1, kMaxSignature);
        });
        in.require(shape(parts, bit(kBodyOfValue) | (has_owner ? bit(kSignature) : 0), 0));
        if (has_owner || (type != 0 && type < kFirstOwnType)) plain = false;
        break;
      }
      default:
        in.require(in.uint(kAny32) != 0);
    }
  });
  in.require(shape(seen, bit(kValueId) | bit(kDat), bit(kPriority)) && id != 0);
  if (message_.value_id == 0) message_.value_id = id;
  message_.plain = message_.plain && plain;
}

void Inspector::values() {
  const std::size_t count = in_.array();
  in_.require(count > 0);
  message_.values = count;
  message_.split = (in_.peek() & 0xf0) != 0x80;
  for (std::size_t i = 0; i < count && in_.ok(); ++i) {
    std::size_t size = 0;
    if (message_.split) {
      size = in_.uint(kMaxSplitValue);
      in_.require(size > 0);
    } else {
      const std::size_t start = in_.at();
      value(in_);
      size = in_.at() - start;
    }
    message_.value_bytes += size;
    message_.largest_value = std::max(message_.largest_value, size);
  }
  const bool fits = count <= kMaxCompleteValues && message_.value_bytes < kMaxInlineValues;
  in_.require(message_.split != fits);
}

// "fileds": the one that divides by zero when "f" is empty.
void Inspector::field_lists() {
  enum : unsigned { kF, kVals };
  static constexpr Keys<2> kKeys{"f", "v"};
  std::array<std::uint64_t, kFieldUserType> fields{};
  std::size_t width = 0;
  const std::size_t start = in_.at();
  const Mask seen = read_map(in_, kKeys, [&](unsigned key) {
    const std::size_t count = in_.array();
    if (key == kF) {
      in_.require(count > 0 && count <= fields.size());
      for (std::size_t i = 0; i < count && in_.ok(); ++i) {
        fields[i] = in_.uint(kFieldUserType);
        in_.require(fields[i] > (i > 0 ? fields[i - 1] : 0));
      }
      width = in_.ok() ? count : 0;
      return;
    }
    in_.require(width > 0 && count > 0);
    if (!in_.ok()) return;
    in_.require(count % width == 0);
    message_.values = count / width;
    for (std::size_t i = 0; i < count && in_.ok(); ++i) {
      switch (fields[i % width]) {
        case kFieldOwner:
          in_.bin(1, kMaxOwner);
          break;
        case kFieldUserType:
          in_.text(kMaxText);
          break;
        case kFieldId:
          in_.uint(kAny64);
          break;
        default:
          in_.uint(kAny16);
      }
    }
  });
  in_.require(shape(seen, bit(kF) | bit(kVals), 0));
  message_.value_bytes = in_.at() - start;
}

void Inspector::id_list() {
  const std::size_t count = in_.array();
  in_.require(count > 0);
  for (std::size_t i = 0; i < count && in_.ok(); ++i) in_.uint(kAny64);
  message_.values = count;
}

void Inspector::filter_query() {
  enum : unsigned { kSelect, kWhere };
  static constexpr Keys<2> kKeys{"s", "w"};
  enum : unsigned { kFilterField, kFilterValue };
  static constexpr Keys<2> kFilterKeys{"f", "v"};
  const Mask seen = read_map(in_, kKeys, [&](unsigned key) {
    std::size_t count = in_.array();
    if (key == kSelect) {
      in_.require(count <= kFieldUserType);
      Mask chosen = 0;
      for (; count > 0 && in_.ok(); --count) {
        const auto field = static_cast<unsigned>(in_.uint(kFieldUserType));
        in_.require(field != 0 && (chosen & bit(field)) == 0);
        chosen |= bit(field);
      }
      return;
    }
    in_.require(count <= kMaxFilters);
    for (; count > 0 && in_.ok(); --count) {
      std::uint64_t field = 0;
      const Mask parts = read_map(in_, kFilterKeys, [&](unsigned inner) {
        if (inner == kFilterField) {
          field = in_.uint(kFieldUserType);
          return;
        }
        switch (field) {  // "f" comes first; 0 otherwise
          case kFieldId:
          case kFieldType:
            in_.uint(kAny64);
            break;
          case kFieldOwner:
            in_.bin(kDhtIdSize, kDhtIdSize);
            break;
          case kFieldUserType:
            in_.bin(0, kMaxText);
            break;
          default:
            in_.require(false);
        }
      });
      in_.require(shape(parts, bit(kFilterField) | bit(kFilterValue), 0));
    }
  });
  in_.require(shape(seen, bit(kSelect) | bit(kWhere), 0));
}

void Inspector::want() {
  constexpr std::uint64_t kInet = 2;
  constexpr std::uint64_t kInet6 = 10;
  const std::size_t count = in_.array();
  in_.require(count == 1 || count == 2);
  for (std::size_t i = 0; i < count && in_.ok(); ++i) {
    const std::uint64_t family = in_.uint(kInet6);
    unsigned wanted = 0;
    if (family == kInet) wanted = DhtMessage::want_v4;
    if (family == kInet6) wanted = DhtMessage::want_v6;
    in_.require(wanted > message_.want);  // this order, none twice
    message_.want = static_cast<std::uint8_t>(message_.want | wanted);
  }
}

void Inspector::error() {
  in_.require(in_.array() == 2);
  message_.error_code = static_cast<std::uint16_t>(in_.uint(kAny16));
  in_.text(kMaxText);
}

// One value's bytes. A value that fits into one part is checked like a complete one.
void Inspector::part() {
  enum : unsigned { kOffset, kData };
  static constexpr Keys<2> kKeys{"o", "d"};
  in_.require(in_.map() == 1);
  message_.part_index = in_.uint(kMaxDhtDatagram);
  const Mask seen = read_map(in_, kKeys, [&](unsigned key) {
    if (key == kOffset)
      message_.part_offset = in_.uint(kMaxSplitValue);
    else
      message_.part = in_.bin(1, kMaxDhtPart);
  });
  in_.require(shape(seen, bit(kOffset) | bit(kData), 0));
  if (!in_.ok()) return;
  Cursor inner(datagram_, message_.part.offset, message_.part.offset + message_.part.size);
  value(inner);
  message_.part_whole = inner.done() && message_.part_offset == 0;
}

void Inspector::body() {
  message_.body = in_.at();
  body_seen_ = read_map(in_, kBodyKeys, [&](unsigned key) {
    switch (key) {
      case kId:
        message_.id = in_.bin(kDhtIdSize, kDhtIdSize);
        break;
      case kHash:
      case kTarget:
        message_.key = in_.bin(kDhtIdSize, kDhtIdSize);
        break;
      case kQuery:
        filter_query();
        break;
      case kToken:
        message_.token = in_.bin(1, kMaxToken);
        break;
      case kVid:
        message_.value_id = in_.uint(kAny64);
        in_.require(message_.value_id != 0);
        break;
      case kNodes4:
        list_entry(message_.nodes4, message_.nodes4_entry, kDhtNode4Size, 3);
        break;
      case kNodes6:
        list_entry(message_.nodes6, message_.nodes6_entry, kDhtNode6Size, 3);
        break;
      case kAddress: {
        const ByteRange address = in_.bin(4, 16);
        in_.require(address.size == 4 || address.size == 16);
        break;
      }
      case kCreated:
        in_.uint(kAny32);
        break;
      case kValues:
        values();
        break;
      case kFields:
        field_lists();
        break;
      case kExpired:
      case kRefreshed:
        id_list();
        break;
      case kWant:
        want();
        break;
      case kSocket:
        message_.socket = static_cast<std::uint32_t>(in_.uint(kAny32));
        break;
      default:
        in_.require(in_.uint(1) == 1);  // version of listen
    }
  });
}

bool Inspector::top() {
  std::string_view type;
  std::string_view query;
  const Mask seen = read_map(in_, kTopKeys, [&](unsigned key) {
    switch (key) {
      case kA:
      case kR:
      case kU:
        in_.require(message_.body == 0);  // one body
        body();
        break;
      case kE:
        error();
        break;
      case kP:
        part();
        break;
      case kQ:
        query = in_.word();
        break;
      case kT:
        message_.transaction = static_cast<std::uint32_t>(in_.uint(kAny32));
        break;
      case kY:
        type = in_.word();
        break;
      case kV:
        in_.text(kMaxAgent);
        break;
      case kN:
        message_.network = static_cast<std::uint32_t>(in_.uint(kAny32));
        break;
      default:
        message_.client = in_.boolean();
    }
  });
  if (!in_.ok()) return false;
  const Mask common = bit(kT) | bit(kY);
  const Mask may = bit(kN) | bit(kS);
  const Mask lists = bit(kValues) | bit(kFields);
  if (shape(seen, common | bit(kA) | bit(kQ) | bit(kV), may)) {
    message_.kind = DhtMessage::Kind::request;
    if (type != "q") return false;
    for (const QueryShape& known : kQueries) {
      if (known.name != query) continue;
      message_.query = known.query;
      if (!shape(body_seen_, known.must, known.may)) return false;
      if (known.query == DhtMessage::Query::put) return message_.values == 1;
      return known.query != DhtMessage::Query::update ||
             (exactly_one(body_seen_, bit(kValues) | bit(kExpired) | bit(kRefreshed)) &&
              (body_seen_ & (bit(kHash) | bit(kRefreshed))) != 0);
    }
    return false;
  }
  if (shape(seen, common | bit(kR) | bit(kV), may)) {
    message_.kind = DhtMessage::Kind::reply;
    const Mask found = bit(kNodes4) | bit(kNodes6) | bit(kToken) | lists;
    return type == "r" && at_most_one(body_seen_, lists) &&
           (shape(body_seen_, bit(kId) | bit(kVid), bit(kAddress)) ||
            shape(body_seen_, bit(kId), bit(kAddress) | found));
  }
  if (shape(seen, common | bit(kE) | bit(kR) | bit(kV), may)) {
    message_.kind = DhtMessage::Kind::error;
    return type == "e" && shape(body_seen_, bit(kId), 0);
  }
  if (shape(seen, common | bit(kU) | bit(kV), may)) {
    message_.kind = DhtMessage::Kind::update;
    return type == "r" && at_most_one(body_seen_, bit(kExpired) | bit(kRefreshed)) &&
           shape(body_seen_, bit(kId), bit(kToken) | bit(kExpired) | bit(kRefreshed));
  }
  if (shape(seen, common | bit(kP), bit(kN))) {
    message_.kind = DhtMessage::Kind::value_part;
    return type == "p";
  }
  return false;
}

}  // namespace

std::optional<DhtMessage> inspect_dht(ByteView datagram) {
  if (datagram.empty() || datagram.size() > kMaxDhtDatagram) return std::nullopt;
  return Inspector(datagram).run();
}

}  // namespace meshnode::wire
