// A script for the client: servers come and go, answer and lie. Each step: what (low half) and
// which server (high half).
//
//   0  is named      1  is named no more   2  time passes: 10 ms units (2)   3  all is asked again
//   4  answers a question as it should: which (1), mapped port (2), other port (2), start id (1)
//   5  the same with a byte changed: at (1), xor
//   6  sends anything: length (1), the bytes
//   7  another one is named: which (1)
//   8  answers a question that another one was asked: whose (1), then as with 4
#include "discovery/stun_client.h"

#include <set>

#include "fuzz/fuzz.h"
#include "support/seeded_random.h"

namespace meshnode::fuzz {
namespace {

constexpr int kSteps = 200;
const IpAddress kUs = IpAddress::v4({203, 0, 113, 7});

Endpoint server(std::uint8_t number) {
  return {IpAddress::v4({198, 51, 100, static_cast<std::uint8_t>(number / 4)}),
          static_cast<std::uint16_t>(3731 + number % 4)};
}

class Run {
 public:
  void add(const Endpoint& who) {
    client_.add_server(now_, who);
    named_.insert(who.ip);
  }
  void remove(const Endpoint& who) { client_.remove_server(who); }
  void ask_again() { client_.ask_again(now_); }
  void pass(Duration time) { now_ += time; }

  Bytes answer(Script& script, const Endpoint& who) {
    const auto transaction = question(script.u8(), who);
    const Endpoint mapped{kUs, script.u16()};
    const Endpoint other{who.ip, script.u16()};
    return wire::stun_response({.transaction = transaction, .size = 100}, mapped, script.u8(),
                               other, {});
  }
  void hear(const Endpoint& from, ByteView datagram) {
    const bool request = wire::parse_stun_request(datagram).has_value();
    const auto before = client_.reflexive(now_);
    const auto dropped = drops_.total();
    const bool taken = client_.handle_datagram(now_, from, exact(datagram), drops_);
    MESH_ASSERT(taken == !request);
    if (request || drops_.total() != dropped) MESH_ASSERT(client_.reflexive(now_) == before);
    MESH_ASSERT(drops_.total() <= dropped + (request ? 0 : 1));
    if (!request && drops_.total() == dropped) MESH_ASSERT(was_open(from, datagram));
  }
  void settle() {
    client_.handle_timeout(now_);
    std::size_t count = 0;
    while (const auto out = client_.poll()) {
      MESH_ASSERT(named_.contains(out->to.ip) && out->to.port != 0);
      const auto request = wire::parse_stun_request(out->datagram);
      MESH_ASSERT(request && ++count <= discovery::StunClient::kMaxServers);
      MESH_ASSERT(seen_.insert(request->transaction).second);
      questions_.push_back({out->to, request->transaction});
      open_.insert(questions_.back());
    }
    const auto next = client_.next_deadline();
    MESH_ASSERT(!next || *next > now_);
    const auto reflexive = client_.reflexive(now_);
    MESH_ASSERT(std::set(reflexive.begin(), reflexive.end()).size() == reflexive.size());
    (void)client_.mapping(now_, {{kUs, 1}});
    (void)client_.settled(now_, milliseconds(250));
    (void)client_.take_restarted();
  }

 private:
  // One that this server was asked, or that nobody asked.
  wire::StunTransaction question(std::uint8_t which, const Endpoint& who) const {
    for (std::size_t i = questions_.size(); i-- > 0;)
      if (questions_[i].first == who && which-- == 0) return questions_[i].second;
    return {which};
  }

  // Only who was asked may answer, and once.
  bool was_open(const Endpoint& from, ByteView answer) {
    constexpr std::size_t kTransactionAt = 8;
    wire::StunTransaction transaction;
    MESH_ASSERT(answer.size() >= kTransactionAt + transaction.size());
    std::copy_n(answer.begin() + kTransactionAt, transaction.size(), transaction.begin());
    return open_.erase({from, transaction}) == 1;
  }

  test::SeededRandom random_{1};
  discovery::StunClient client_{random_};
  TimePoint now_{hours(1)};
  DropCounters drops_;
  std::set<IpAddress> named_;
  std::set<wire::StunTransaction> seen_;
  std::vector<std::pair<Endpoint, wire::StunTransaction>> questions_;
  std::set<std::pair<Endpoint, wire::StunTransaction>> open_;
};

}  // namespace

void one_input(ByteView input) {
  Script script(input);
  Run run;
  for (int step = 0; step < kSteps && !script.over(); ++step) {
    const std::uint8_t what = script.u8();
    const Endpoint who = server(what / 16);
    switch (what % 16 % 9) {
      case 0:
        run.add(who);
        break;
      case 1:
        run.remove(who);
        break;
      case 2:
        run.pass(milliseconds(10) * script.u16());
        break;
      case 3:
        run.ask_again();
        break;
      case 4:
        run.hear(who, run.answer(script, who));
        break;
      case 5: {
        Bytes bytes = run.answer(script, who);
        const std::size_t at = script.u8() % bytes.size();
        bytes[at] ^= script.u8();
        run.hear(who, bytes);
        break;
      }
      case 6:
        run.hear(who, script.bytes(script.u8()));
        break;
      case 7:
        run.add(server(script.u8()));
        break;
      default: {
        const Endpoint asked = server(script.u8());
        run.hear(who, run.answer(script, asked));
      }
    }
    run.settle();
  }
}

}  // namespace meshnode::fuzz
