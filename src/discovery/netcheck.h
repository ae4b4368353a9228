// What the network between here and some STUN servers does to UDP of one family: the tests of
// RFC 5780 and some more. Pure: the machine opens the sockets, and hands in time and datagrams.
//
// Steps, each over when all its questions are answered or given up (5 tries, 3 s):
//
//   reach     kMapper asks every server: who answers, how fast, and where does it see us?
//   open      kFilter asks one of them, which can answer from elsewhere if any can
//   filter    it asks that one to answer from its other address and port (RFC 5780 §4.4, test II),
//             and from its other port (III). kFilter has spoken to nobody else, and the other
//             address has heard of no socket of ours: some routers remember hosts, not ports
//   mapping   kMapper asks at the other addresses and ports (§4.3, tests II and III)
//   extra     does the server do what `filter` asked, where that is known to get through? Do
//             kMapper and kFilter reach each other at their mapped endpoints (hairpin)?
//   refresh   only if the lifetime is wanted: each further socket asks three times within 3 s, as
//             an edge in use does, and is silent from then on
//   lifetime  the server is asked through kMapper to answer to the mapped port of one of them
//             (RESPONSE-PORT, §4.6), each after a pause of its own: 0, 5, 10, 20, 40 … s. What
//             comes in again proves that the mapping is there. All pauses run at the same time
//
// Answers count by transaction and by where they come from. At most kMaxServers are asked, with
// about 20 questions besides.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "discovery/nat_verdict.h"
#include "wire/stun.h"

namespace meshnode::discovery {

class Netcheck {
 public:
  static constexpr std::size_t kMaxServers = 32;
  static constexpr std::size_t kMapper = 0;
  static constexpr std::size_t kFilter = 1;
  static constexpr Duration kLongest = hours(1);  // that a lifetime is measured

  struct Options {
    std::vector<Endpoint> servers;  // of one family; what is beyond kMaxServers is not asked
    std::vector<IpAddress> own;     // of our interfaces
    Duration lifetime{};            // the longest pause; 0: not measured
  };
  struct Transmit {
    std::size_t socket = 0;
    Endpoint to;
    Bytes datagram;
  };
  struct ServerReport {
    Endpoint at;
    std::optional<Duration> rtt;  // nothing: no answer
    Endpoint mapped;
  };
  struct Lifetime {
    bool measured = false;         // else no server could help
    Duration alive{};              // it lasted that long
    std::optional<Duration> gone;  // and not that long; nothing: longer than was waited
  };
  struct Report {
    std::vector<ServerReport> servers;  // in the order of Options
    std::optional<bool> translated;     // a NAT changes our address; nothing: nobody answered
    Endpoint mapped;                    // of kFilter, else of kMapper
    Dependence mapping = Dependence::unknown;
    Dependence filtering = Dependence::unknown;
    std::optional<bool> port_kept;  // behind a NAT: both sockets' ports are the same outside
    std::optional<bool> hairpin;    // behind a NAT
    std::optional<Lifetime> lifetime;
  };
  enum class Step : std::uint8_t { reach, open, filter, mapping, extra, refresh, lifetime, done };

  Netcheck(Options options, Random& random);

  // How many sockets the machine has to open; `ports` are theirs, in that order.
  std::size_t sockets() const { return kFirstIdle + pauses_.size(); }
  void start(TimePoint now, std::vector<std::uint16_t> ports);

  void handle_datagram(TimePoint now, std::size_t socket, const Endpoint& from, ByteView datagram);
  void handle_timeout(TimePoint now);
  std::optional<Transmit> poll();
  std::optional<TimePoint> next_deadline() const;

  Step step() const { return step_; }
  bool done() const { return step_ == Step::done; }
  // What is still to come of the lifetime's pauses.
  Duration remaining(TimePoint now) const;
  Report report() const;

 private:
  static constexpr std::size_t kFirstIdle = 2;
  static constexpr unsigned kTries = 5;

  enum class Purpose : std::uint8_t {
    reach,
    open,
    other_address,  // of the filter
    other_port,
    mapping,
    obeys,
    hairpin,
    refresh,
    lifetime,
  };
  struct Try {
    wire::StunTransaction transaction{};
    TimePoint sent{};
  };
  struct Answer {
    wire::StunResponse said;
    Endpoint from;
    Duration rtt{};
  };
  struct Question {
    Purpose purpose = Purpose::reach;
    std::size_t socket = 0;   // asks
    std::size_t expects = 0;  // the answer comes here
    Endpoint to;
    wire::StunWishes wishes{};
    TimePoint next{};
    std::vector<Try> tries{};
    bool over = false;
    std::optional<Answer> answer{};
  };
  // A socket whose mapping is left alone for a while.
  struct Idle {
    Duration pause{};
    unsigned exchanges = 0;
    TimePoint last{};
    Endpoint mapped{};
    std::optional<bool> alive{};
  };

  Question& ask(TimePoint at, Purpose purpose, std::size_t socket, const Endpoint& to,
                const wire::StunWishes& wishes = {});
  void send(TimePoint now, Question& question);
  bool fits(const Question& question, std::size_t socket, const Endpoint& from) const;
  void answered(TimePoint now, Question& question, Answer answer);
  void advance(TimePoint now);
  void begin(TimePoint now, Step step);
  bool choose_server();
  void ask_mapping(TimePoint now);
  void ask_extra(TimePoint now);
  void begin_pauses(TimePoint now);
  std::vector<Endpoint> own_at(std::size_t socket) const;
  std::vector<Sighting> sightings() const;
  const Answer* answer_to(Purpose purpose) const;
  bool heard_at(const Endpoint& server) const;
  FilterTests filter_tests() const;
  Lifetime lifetime() const;

  Options options_;
  Random& random_;
  std::vector<Duration> pauses_;
  std::vector<std::uint16_t> ports_;
  Step step_ = Step::reach;
  std::deque<Question> questions_;  // stays in place
  std::vector<Transmit> transmits_;
  // The server of the tests, and what it names as its other endpoint: none if it names none. Its
  // address is the server's own where it has but one, or where we cannot know it (1:1 NAT).
  Endpoint server_;
  Endpoint other_;
  bool other_address_ = false;  // it says that it has another address
  std::vector<Idle> idle_;
};

}  // namespace meshnode::discovery
