// A network address translator by RFC 4787's words: how it maps, what it lets in, which ports it
// gives, whether insiders may meet over its outside (hairpin), and how long it remembers.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/random.h"

namespace meshnode::sim {

// Of the far end: nothing counts, its address, or address and port.
enum class Depends : std::uint8_t { nothing, address, address_and_port };
enum class Ports : std::uint8_t { preserved, sequential, random };

struct NatRules {
  Depends mapping = Depends::nothing;
  Depends filtering = Depends::address_and_port;
  Ports ports = Ports::preserved;
  bool hairpin = false;
  // Since the last datagram out; what comes in keeps nothing alive (RFC 4787, REQ-6).
  Duration timeout = seconds(120);
};

class Nat {
 public:
  static constexpr std::uint16_t kFirstPort = 1024;

  Nat(const NatRules& rules, const IpAddress& outside, std::uint64_t seed);

  // A datagram from `inside` to `remote` leaves: as whom.
  Endpoint out(TimePoint now, const Endpoint& inside, const Endpoint& remote);
  // One from `remote` comes to this port: for whom, if it may come in.
  std::optional<Endpoint> in(TimePoint now, const Endpoint& remote, std::uint16_t port) const;
  // Whose port that is, whoever may use it.
  std::optional<Endpoint> insider(std::uint16_t port) const;
  // Power cut, or a new lease: all mappings are gone, the next ones get other ports.
  void forget(TimePoint now);
  void set_outside(const IpAddress& outside) { outside_ = outside; }

  const IpAddress& outside() const { return outside_; }
  const NatRules& rules() const { return rules_; }
  std::size_t mappings() const { return mappings_.size(); }

 private:
  using Key = std::pair<Endpoint, Endpoint>;  // inside, and what counts of the far end
  struct Hash {
    std::size_t operator()(const Endpoint& endpoint) const {
      return (hash_value(endpoint.ip) ^ endpoint.port) * 0x9e3779b97f4a7c15U;
    }
    std::size_t operator()(const Key& key) const {
      return (*this)(key.first) * 31 + (*this)(key.second);
    }
  };
  struct Mapping {
    std::uint16_t port = 0;
    TimePoint used{};
    std::unordered_map<Endpoint, TimePoint, Hash> spoken_to;  // what counts for filtering
  };
  static Endpoint part(const Endpoint& remote, Depends depends);
  bool alive(TimePoint now, TimePoint used) const { return now - used < rules_.timeout; }
  std::uint16_t choose_port(const Endpoint& inside);
  bool is_free(std::uint16_t port) const;
  void sweep(TimePoint now);

  NatRules rules_;
  IpAddress outside_;
  std::uint64_t state_;
  std::uint16_t next_port_ = 20000;
  std::unordered_map<Key, Mapping, Hash> mappings_;
  std::unordered_map<std::uint16_t, Key> by_port_;
  // Ports of mappings that were forgotten: not given again for as long as they would have lived.
  std::map<std::uint16_t, TimePoint> resting_;
  TimePoint next_sweep_{};
};

}  // namespace meshnode::sim
