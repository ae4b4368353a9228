// Many members that gossip, in virtual time: books and gossip as they are, links of a fixed delay
// with loss, no handshakes and no probes. A neighbour's PeerNumber is its place in the crowd.
#pragma once

#include <bit>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>

#include "discovery/gossip.h"
#include "tests/support/members.h"
#include "tests/support/seeded_random.h"

namespace meshnode::test {

class Crowd {
 public:
  using Place = std::size_t;

  struct Node {
    Node(std::uint64_t number, const std::shared_ptr<discovery::RecordPool>& pool)
        : self(number),
          random(number + 1),
          book(kNetworkId, crypto::real_suite(), pool),
          gossip(book, {kNetworkId, crypto::real_suite()}, random) {}
    Member self;
    SeededRandom random;
    discovery::RecordBook book;
    discovery::Gossip gossip;
    DropCounters drops;
    discovery::RecordPtr own;
    std::set<Place> neighbours;
    std::vector<discovery::SignedObject> objects;  // taken
    TimePoint wakes = TimePoint::max();
  };
  // What was sent, lost or not.
  struct Tally {
    std::map<wire::ControlType, std::size_t> messages;
    std::size_t bytes = 0;  // with all headers of IPv4
    std::size_t total() const {
      std::size_t sum = 0;
      for (const auto& [type, count] : messages) sum += count;
      return sum;
    }
  };
  struct Message {
    Place from = 0, to = 0;
    wire::ControlType type{};
    Bytes body;
  };

  explicit Crowd(std::size_t size, std::uint64_t seed = 1) : random(seed) {
    for (std::size_t i = 0; i < size; ++i) add();
  }

  Place add() {
    nodes_.push_back(std::make_unique<Node>(nodes_.size(), pool));
    set_own(nodes_.size() - 1, 1);
    return nodes_.size() - 1;
  }
  Node& operator[](Place place) { return *nodes_[place]; }
  std::size_t size() const { return nodes_.size(); }

  void set_own(Place place, std::uint64_t sequence) {
    Node& node = *nodes_[place];
    // Of a usual size: a public host, a reflexive one, a name.
    wire::Record record = node.self.record(sequence);
    for (const char* endpoint : {"198.51.100.7:40000", "10.1.2.3:40000", "203.0.113.9:51234"})
      record.candidates.push_back({wire::CandidateKind::host, 200, 0, *Endpoint::parse(endpoint)});
    record.name = "member-" + std::to_string(place);
    node.own = node.self.sign(record);
    node.gossip.set_own(node.own);
  }
  void change(Place place) {
    set_own(place, nodes_[place]->own->record.sequence + 1);
    nodes_[place]->gossip.spread(now);
    settle(place);
  }

  // Both are proven to each other; the first begins.
  void connect(Place a, Place b) {
    for (const auto& [one, other] : {std::pair(a, b), std::pair(b, a)}) {
      nodes_[one]->neighbours.insert(other);
      nodes_[one]->book.prove(nodes_[other]->self.id);
      nodes_[one]->gossip.edge_up(
          now, number(other), nodes_[other]->self.id,
          one == a ? discovery::Gossip::Begin::we : discovery::Gossip::Begin::they);
      settle(one);
    }
  }
  void disconnect(Place a, Place b) {
    for (const auto& [one, other] : {std::pair(a, b), std::pair(b, a)}) {
      nodes_[one]->neighbours.erase(other);
      nodes_[one]->gossip.edge_down(number(other));
    }
  }
  // As overlay/edge_choice.h does it for more than 64: four of each XOR bucket, the eight nearest,
  // eight more.
  void connect_by_distance() {
    for (Place a = 0; a < nodes_.size(); ++a) {
      std::vector<std::pair<Block<32>, Place>> order;  // by distance
      for (Place b = 0; b < nodes_.size(); ++b)
        if (a != b) order.emplace_back(distance(a, b), b);
      std::sort(order.begin(), order.end());
      for (std::size_t i = 0; i < std::min<std::size_t>(8, order.size()); ++i)
        connect_once(a, order[i].second);
      for (std::size_t first = 0; first < order.size();) {
        std::size_t end = first;
        while (end < order.size() && zeros(order[end].first) == zeros(order[first].first)) ++end;
        for (int i = 0; i < 4; ++i)
          connect_once(a,
                       order[first + static_cast<std::size_t>(random.below(end - first))].second);
        first = end;
      }
      for (int i = 0; i < 8; ++i) connect_once(a, static_cast<Place>(random.below(nodes_.size())));
    }
  }
  void connect_all(Place first, Place end) {
    for (Place a = first; a < end; ++a)
      for (Place b = a + 1; b < end; ++b) connect_once(a, b);
  }
  // All know of all, and stand by it.
  void all_know_all() {
    for (auto& node : nodes_)
      for (const auto& other : nodes_) {
        if (node == other) continue;
        (void)node->book.offer(now, other->own->bytes, PeerNumber{1'000'001});
        node->book.vouch(other->self.id, PeerNumber{1'000'002});
      }
    // Long ago: budgets are full again, rounds are slow.
    run(minutes(30));
    reset();
  }

  void run(Duration time) {
    const TimePoint end = now + time;
    while (!events_.empty() && events_.top().at <= end) {
      const Event event = events_.top();
      events_.pop();
      now = event.at;
      if (event.message)
        deliver(*event.message);
      else
        wake(event.place);
    }
    now = end;
  }
  // True if it came true in time.
  bool run_until(Duration longest, const std::function<bool()>& done) {
    const TimePoint end = now + longest;
    while (!done()) {
      if (events_.empty() || events_.top().at > end) return false;
      run(events_.top().at - now);
    }
    return true;
  }
  std::size_t who_know(const NodeId& id, std::uint64_t sequence) const {
    std::size_t count = 0;
    for (const auto& node : nodes_) {
      const auto record = node->self.id == id ? node->own : node->book.find(id);
      if (record && record->record.sequence >= sequence) ++count;
    }
    return count;
  }
  void reset() {
    tally = {};
    log.clear();
  }

  static PeerNumber number(Place place) { return PeerNumber{static_cast<std::uint32_t>(place)}; }

  void settle(Place place) {
    Node& node = *nodes_[place];
    while (auto send = node.gossip.poll(now)) {
      Message message{place, static_cast<Place>(send->to), send->type, std::move(send->body)};
      count(message);
      if (!node.neighbours.contains(message.to) || random.below(1000) < loss_per_mille) continue;
      events_.push({now + delay, order_++, place, std::make_shared<Message>(std::move(message))});
    }
    auto deadline = node.gossip.next_deadline();
    if (const auto book = node.book.next_deadline(); book && (!deadline || *book < *deadline))
      deadline = book;
    if (!deadline || *deadline >= node.wakes) return;
    node.wakes = std::max(*deadline, now);
    events_.push({node.wakes, order_++, place, nullptr});
  }

  std::shared_ptr<discovery::RecordPool> pool =
      std::make_shared<discovery::RecordPool>(kNetworkId, crypto::real_suite());
  SeededRandom random;
  TimePoint now{hours(100)};
  Duration delay = milliseconds(20);
  std::uint64_t loss_per_mille = 0;
  Tally tally;
  bool logging = false;
  std::vector<Message> log;

 private:
  struct Event {
    TimePoint at{};
    std::uint64_t order = 0;
    Place place = 0;
    std::shared_ptr<Message> message;  // null: a timer
    bool operator<(const Event& other) const {
      return std::pair(at, order) > std::pair(other.at, other.order);
    }
  };

  Block<32> distance(Place a, Place b) const {
    Block<32> out;
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = nodes_[a]->self.id.bytes[i] ^ nodes_[b]->self.id.bytes[i];
    return out;
  }
  static int zeros(const Block<32>& distance) {
    return std::countl_zero(load_be<std::uint64_t>(distance.data()));
  }
  void connect_once(Place a, Place b) {
    if (a != b && !nodes_[a]->neighbours.contains(b)) connect(a, b);
  }
  void count(const Message& message) {
    constexpr std::size_t kHeaders = 28 + 32;
    ++tally.messages[message.type];
    tally.bytes += kHeaders + (wire::kControlHeaderSize + message.body.size() + 15) / 16 * 16;
    if (logging) log.push_back(message);
  }
  void wake(Place place) {
    Node& node = *nodes_[place];
    if (now < node.wakes) return;  // moved since
    node.wakes = TimePoint::max();
    node.book.handle_timeout(now);
    node.gossip.handle_timeout(now);
    settle(place);
  }
  void deliver(const Message& message) {
    Node& node = *nodes_[message.to];
    if (!node.neighbours.contains(message.from)) return;
    using wire::ControlType;
    const PeerNumber from = number(message.from);
    switch (message.type) {
      case ControlType::record:
        if (message.body != node.own->bytes) (void)node.book.offer(now, message.body, from);
        break;
      case ControlType::digest:
        node.gossip.handle_digest(now, from, message.body, node.drops);
        break;
      case ControlType::want:
        node.gossip.handle_want(now, from, message.body, node.drops);
        break;
      case ControlType::summary:
        node.gossip.handle_summary(now, from, message.body, node.drops);
        break;
      case ControlType::object:
        if (auto object = node.gossip.handle_object(now, from, message.body, node.drops))
          node.objects.push_back(std::move(*object));
        break;
      default:
        break;
    }
    settle(message.to);
  }

  std::vector<std::unique_ptr<Node>> nodes_;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
};

}  // namespace meshnode::test
