// A script of what neighbours say to one who knows six members, four of them proven. Each step:
// what (low half) and by whom (high half); neighbours are 0 to 3.
//
//   0  a digest: length (2), the body          1  a want: length (2), the body
//   2  an honest digest: lower and upper (a byte each, the first ones of the ids), then which of
//   the
//      six it names (a bit each), then the sequence of each one
//   3  its edge comes up, we begin     6  the same, it begins     4  its edge goes down
//   5  time passes: seconds (1)
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

// Everybody's records; the first kProven are passed on.
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
    return out;
  }();
  return all;
}

const RecordPtr& own() {
  static const RecordPtr record = test::Member(kKnown).sign(kSequence);
  return record;
}

bool is_current(const Digest::Entry& entry) {
  const auto is_it = [&](const RecordPtr& record) {
    return wire::short_id(record->id) == entry.id;
  };
  const auto end = records().begin() + kProven;
  return entry.sequence <= kSequence &&
         (is_it(own()) || std::any_of(records().begin(), end, is_it));
}

bool is_passed_on(ByteView bytes) {
  for (std::uint64_t i = 0; i < kProven; ++i)
    if (same(records()[i]->bytes, bytes)) return true;
  return same(own()->bytes, bytes);
}

void canonical(ByteView body) {
  if (const auto digest = wire::parse_digest(body)) {
    MESH_ASSERT(digest->entries.size() <= wire::kMaxDigest && digest->lower <= digest->upper);
    MESH_ASSERT(same(wire::encode_digest(*digest), body));
    for (std::size_t i = 0; i < digest->entries.size(); ++i) {
      const ShortId id = digest->entries[i].id;
      MESH_ASSERT(digest->lower <= id && id <= digest->upper);
      MESH_ASSERT(i == 0 || digest->entries[i - 1].id < id);
    }
  }
  if (const auto want = wire::parse_want(body)) {
    MESH_ASSERT(!want->empty() && want->size() <= wire::kMaxDigest);
    MESH_ASSERT(same(wire::encode_want(*want), body));
  }
}

class Run {
 public:
  Run() { gossip_.set_own(own()); }

  void up(PeerNumber who, Gossip::Begin begin) {
    gossip_.edge_up(now_, who, begin);
    if (neighbours_.insert(who).second) unheard_.insert(who);
    MESH_ASSERT((collect() > 0) == (begin == Gossip::Begin::we));
  }
  void down(PeerNumber who) {
    gossip_.edge_down(who);
    neighbours_.erase(who);
    unheard_.erase(who);
  }
  void digest(PeerNumber from, ByteView body) {
    canonical(body);
    gossip_.handle_digest(now_, from, exact(body), drops_);
    const auto parsed = wire::parse_digest(body);
    const bool first = unheard_.erase(from) == 1;
    const std::size_t sent = collect(from, parsed);
    // Later ones meet the limits.
    if (first && parsed) MESH_ASSERT(sent == lacking(*parsed) + (wants_any(*parsed) ? 1 : 0));
  }
  void want(PeerNumber from, ByteView body) {
    canonical(body);
    unheard_.erase(from);
    gossip_.handle_want(now_, from, exact(body), drops_);
    collect(from);
  }
  void pass(Duration time) {
    now_ += time;
    gossip_.handle_timeout(now_);
    collect();
    const auto next = gossip_.next_deadline();
    MESH_ASSERT(next.has_value() == !neighbours_.empty() && (!next || *next > now_));
  }

 private:
  // Only to neighbours (if `to` is given, to it alone), only what may be passed on, only wants of
  // what the digest named as newer.
  std::size_t collect(std::optional<PeerNumber> to = {}, const std::optional<Digest>& digest = {}) {
    std::size_t sent = 0;
    while (const auto out = gossip_.poll()) {
      MESH_ASSERT(neighbours_.contains(out->to) && (!to || *to == out->to));
      MESH_ASSERT(++sent <= wire::kMaxDigest + kKnown + 1);
      if (out->type == ControlType::record) {
        MESH_ASSERT(to && is_passed_on(out->body));
      } else if (out->type == ControlType::digest) {
        MESH_ASSERT(!to && wire::parse_digest(out->body));
      } else {
        MESH_ASSERT(out->type == ControlType::want && digest);
        check_want(out->body, *digest);
      }
    }
    return sent;
  }
  // How many that we pass on it names older, or not at all where it should.
  static std::size_t lacking(const Digest& digest) {
    const auto lacks = [&](const RecordPtr& record) {
      const ShortId id = wire::short_id(record->id);
      if (id < digest.lower || id > digest.upper) return false;
      return std::none_of(digest.entries.begin(), digest.entries.end(),
                          [&](const Digest::Entry& entry) {
                            return entry.id == id && entry.sequence >= kSequence;
                          });
    };
    const auto end = records().begin() + kProven;
    return static_cast<std::size_t>(std::count_if(records().begin(), end, lacks)) +
           (lacks(own()) ? 1 : 0);
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
  Gossip gossip_{book(), random_};
  TimePoint now_{hours(2)};
  DropCounters drops_;
  std::set<PeerNumber> neighbours_;
  std::set<PeerNumber> unheard_;
};

Bytes honest_digest(Script& script) {
  Digest digest;
  digest.lower = ShortId{script.u8()} << 56;
  digest.upper = ShortId{script.u8()} << 56 | (~ShortId{0} >> 8);
  const std::uint8_t named = script.u8();
  for (std::size_t i = 0; i < kKnown; ++i) {
    const ShortId id = wire::short_id(records()[i]->id);
    if ((named >> i & 1) != 0 && digest.lower <= id && id <= digest.upper)
      digest.entries.push_back({id, script.u8()});
  }
  std::sort(digest.entries.begin(), digest.entries.end());
  return wire::encode_digest(digest);
}

}  // namespace

void one_input(ByteView input) {
  Script script(input);
  Run run;
  run.up(PeerNumber{0}, Gossip::Begin::we);
  for (int step = 0; step < kSteps && !script.over(); ++step) {
    const std::uint8_t what = script.u8();
    const PeerNumber who{static_cast<std::uint32_t>(what / 16 % 4)};
    switch (what % 16 % 7) {
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
      default:
        run.pass(seconds(script.u8()));
    }
  }
}

}  // namespace meshnode::fuzz
