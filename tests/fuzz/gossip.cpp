// A script of what neighbours say to one who knows six members, four of them proven. Each step:
// what (low half) and by whom (high half); neighbours are 0 to 3.
//
//   0  a digest: length (2), the body          1  a want: length (2), the body
//   2  an honest digest: lower and upper (a byte each, the first ones of the ids), then which of
//      the six it names (a bit each), then the sequence of each one
//   3  its edge comes up, we begin     6  the same, it begins     4  its edge goes down
//   5  time passes: seconds (1)
//   7  a summary: length (2), the body
//   8  a summary of one range: lower and upper (as in 2), count (1), sum (1)
//   9  an object: length (2), the body
//  10  one that a member signed: whose (1), kind (1), sequence (1), length (1), its body
#include "discovery/gossip.h"

#include <set>

#include "fuzz/fuzz.h"
#include "support/members.h"
#include "support/seeded_random.h"

namespace meshnode::fuzz {
namespace {

using discovery::Gossip;
using discovery::RecordPtr;
using wire::ControlType;
using wire::Digest;
using wire::ShortId;

constexpr std::uint64_t kProven = 4;
constexpr std::uint64_t kKnown = 6;
constexpr std::uint64_t kSequence = 100;
constexpr int kSteps = 64;

// Everybody's records.
const std::vector<RecordPtr>& records() {
  static const std::vector<RecordPtr> all = [] {
    std::vector<RecordPtr> out;
    for (std::uint64_t i = 0; i < kKnown; ++i) out.push_back(test::Member(i).sign(kSequence));
    return out;
  }();
  return all;
}

const discovery::RecordBook& book() {
  static const discovery::RecordBook all = [] {
    discovery::RecordBook out(test::kNetworkId, crypto::real_suite());
    for (const RecordPtr& record : records()) (void)out.offer(TimePoint{hours(1)}, record->bytes);
    for (std::uint64_t i = 0; i < kProven; ++i) out.prove(records()[i]->id);
    (void)out.take_news(TimePoint{hours(1)});
    return out;
  }();
  return all;
}

const RecordPtr& own() {
  static const RecordPtr record = test::Member(kKnown).sign(kSequence);
  return record;
}

// We know it, whoever else does.
bool is_current(const Digest::Entry& entry) {
  const auto is_it = [&](const RecordPtr& record) {
    return wire::short_id(record->id) == entry.id;
  };
  return entry.sequence <= kSequence &&
         (is_it(own()) || std::any_of(records().begin(), records().end(), is_it));
}

class Run {
 public:
  Run() { gossip_.set_own(own()); }

  void up(PeerNumber who, Gossip::Begin begin) {
    gossip_.edge_up(now_, who, test::Member(100 + static_cast<std::uint64_t>(who)).id, begin);
    if (neighbours_.insert(who).second) unheard_.insert(who);
    collect();
  }
  void down(PeerNumber who) {
    gossip_.edge_down(who);
    neighbours_.erase(who);
    unheard_.erase(who);
  }
  void digest(PeerNumber from, ByteView body) {
    gossip_.handle_digest(now_, from, exact(body), drops_);
    const auto parsed = wire::parse_digest(body);
    const bool first = unheard_.erase(from) == 1;
    const Sent sent = collect(parsed, from);
    // Later ones meet the limits.
    if (first && parsed)
      MESH_ASSERT(sent.records == lacking(*parsed) && sent.wants <= (wants_any(*parsed) ? 1 : 0));
    MESH_ASSERT(sent.total <= wire::kMaxDigest + kKnown + 2);
  }
  void want(PeerNumber from, ByteView body) {
    unheard_.erase(from);
    gossip_.handle_want(now_, from, exact(body), drops_);
    MESH_ASSERT(collect({}, from).total <= wire::kMaxDigest);
  }
  // Each range is answered once.
  void summary(PeerNumber from, ByteView body) {
    const auto parsed = wire::parse_summary(body);
    gossip_.handle_summary(now_, from, exact(body), drops_);
    const Sent sent = collect({}, from);
    MESH_ASSERT(sent.total <= (parsed ? parsed->ranges.size() : 0));
    MESH_ASSERT(sent.records == 0 && sent.wants == 0);
    unheard_.erase(from);
  }
  void object(PeerNumber from, ByteView body, bool genuine) {
    const auto taken = gossip_.handle_object(now_, from, exact(body), drops_);
    MESH_ASSERT(!taken || (genuine && neighbours_.contains(from) && book_.gone(taken->signer)));
    unheard_.erase(from);
    const Sent sent = collect();
    MESH_ASSERT(sent.total <= (taken ? Gossip::kFanOut : 0));
  }
  void pass(Duration time) {
    now_ += time;
    book_.handle_timeout(now_);
    gossip_.handle_timeout(now_);
    collect();
    const auto next = gossip_.next_deadline();
    MESH_ASSERT(!next || *next > now_);
    MESH_ASSERT(next || neighbours_.empty());
  }

 private:
  struct Sent {
    std::size_t total = 0;
    std::size_t records = 0;  // to the one who is answered
    std::size_t wants = 0;
  };
  // Only to neighbours, only what we stand by, only wants of what the digest named as newer.
  Sent collect(const std::optional<Digest>& digest = {}, PeerNumber to = kNoPeer) {
    Sent sent;
    while (const auto out = gossip_.poll(now_)) {
      MESH_ASSERT(neighbours_.contains(out->to));
      ++sent.total;
      switch (out->type) {
        case ControlType::record:
          check_record(out->body);
          if (out->to == to) ++sent.records;
          break;
        case ControlType::digest:
          MESH_ASSERT(wire::parse_digest(out->body));
          break;
        case ControlType::summary:
          MESH_ASSERT(wire::parse_summary(out->body));
          break;
        case ControlType::object:
          MESH_ASSERT(wire::parse_object(out->body));
          break;
        default:
          MESH_ASSERT(out->type == ControlType::want && digest && out->to == to);
          check_want(out->body, *digest);
          ++sent.wants;
      }
    }
    return sent;
  }
  void check_record(ByteView bytes) const {
    const bool stand_by =
        std::any_of(records().begin(), records().end(), [&](const RecordPtr& record) {
          return same(record->bytes, bytes) && book_.stands_by(record->id);
        });
    MESH_ASSERT(stand_by || same(own()->bytes, bytes));
  }
  // How many that we stand by it names older, or not at all where it should.
  std::size_t lacking(const Digest& digest) const {
    const auto lacks = [&](const RecordPtr& record) {
      const ShortId id = wire::short_id(record->id);
      const auto named = std::find_if(digest.entries.begin(), digest.entries.end(),
                                      [&](const Digest::Entry& entry) { return entry.id == id; });
      if (named != digest.entries.end()) return named->sequence < kSequence;
      return digest.lower <= id && id <= digest.upper;
    };
    std::size_t out = lacks(own()) ? 1 : 0;
    for (const RecordPtr& record : records())
      if (book_.stands_by(record->id) && lacks(record)) ++out;
    return out;
  }
  static bool wants_any(const Digest& digest) {
    return std::any_of(digest.entries.begin(), digest.entries.end(),
                       [](const Digest::Entry& e) { return e.sequence > 0 && !is_current(e); });
  }
  static void check_want(ByteView body, const Digest& digest) {
    const auto ids = wire::parse_want(body);
    MESH_ASSERT(ids);
    for (const ShortId id : *ids)
      MESH_ASSERT(std::any_of(
          digest.entries.begin(), digest.entries.end(),
          [&](const Digest::Entry& entry) { return entry.id == id && !is_current(entry); }));
  }

  test::SeededRandom random_{1};
  discovery::RecordBook book_ = book();
  Gossip gossip_{book_, {test::kNetworkId, crypto::real_suite()}, random_};
  TimePoint now_{hours(2)};
  DropCounters drops_;
  std::set<PeerNumber> neighbours_;
  std::set<PeerNumber> unheard_;
};

ShortId lower_of(Script& script) {
  return ShortId{script.u8()} << 56;
}
ShortId upper_of(Script& script) {
  return ShortId{script.u8()} << 56 | (~ShortId{0} >> 8);
}

Bytes honest_digest(Script& script) {
  Digest digest;
  digest.lower = lower_of(script);
  digest.upper = upper_of(script);
  const std::uint8_t named = script.u8();
  for (std::size_t i = 0; i < kKnown; ++i) {
    const ShortId id = wire::short_id(records()[i]->id);
    if ((named >> i & 1) != 0 && digest.lower <= id && id <= digest.upper)
      digest.entries.push_back({id, script.u8()});
  }
  std::sort(digest.entries.begin(), digest.entries.end());
  return wire::encode_digest(digest);
}

Bytes one_range(Script& script) {
  wire::Summary::Range range;
  range.lower = lower_of(script);
  range.upper = upper_of(script);
  range.count = script.u8();
  range.sum = script.u8();
  return wire::encode_summary({.salt = 1, .ranges = {range}});
}

Bytes signed_object(Script& script) {
  const test::Member member(script.u8() % (kKnown + 2));
  const auto kind = static_cast<wire::ObjectKind>(script.u8());
  const std::uint64_t sequence = script.u8();
  const ByteView body = script.bytes(script.u8());
  return discovery::sign_object(kind, sequence, body, member.seed, test::kNetworkId,
                                crypto::real_suite())
      .bytes;
}

}  // namespace

void one_input(ByteView input) {
  Script script(input);
  Run run;
  run.up(PeerNumber{0}, Gossip::Begin::we);
  for (int step = 0; step < kSteps && !script.over(); ++step) {
    const std::uint8_t what = script.u8();
    const PeerNumber who{static_cast<std::uint32_t>(what / 16 % 4)};
    switch (what % 16 % 11) {
      case 0:
        run.digest(who, script.bytes(script.u16()));
        break;
      case 1:
        run.want(who, script.bytes(script.u16()));
        break;
      case 2:
        run.digest(who, honest_digest(script));
        break;
      case 3:
        run.up(who, Gossip::Begin::we);
        break;
      case 4:
        run.down(who);
        break;
      case 6:
        run.up(who, Gossip::Begin::they);
        break;
      case 7:
        run.summary(who, script.bytes(script.u16()));
        break;
      case 8:
        run.summary(who, one_range(script));
        break;
      case 9:
        run.object(who, script.bytes(script.u16()), false);
        break;
      case 10:
        run.object(who, signed_object(script), true);
        break;
      default:
        run.pass(seconds(script.u8()));
    }
  }
}

}  // namespace meshnode::fuzz
