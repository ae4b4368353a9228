// What happened: a hash over all of it, and the last events for a drawing.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/endpoint.h"

namespace meshnode::sim {

// Who takes part: a place in one of the world's tables.
struct Owner {
  enum class Kind : std::uint8_t { none, host, nat, hub, bystander };
  Kind kind = Kind::none;
  std::uint32_t index = 0;
  auto operator<=>(const Owner&) const = default;
  std::string name() const;
};
using HostIndex = std::uint32_t;
inline Owner host_owner(HostIndex index) {
  return {Owner::Kind::host, index};
}

enum class Fate : std::uint8_t { delivered, lost, unroutable, filtered, cut, down };

class Trace {
 public:
  static constexpr std::size_t kKept = 20'000;

  struct Entry {
    TimePoint at{};
    Owner from;
    Owner to;      // none where nobody got it
    Endpoint aim;  // where it was sent to, as far as it got
    std::uint8_t type = 0;
    std::uint16_t size = 0;
    Fate fate = Fate::delivered;
    std::string note{};  // instead of a datagram: something that happened to `from`
  };

  void datagram(TimePoint at, const Owner& from, const Owner& to, const Endpoint& aim,
                ByteView bytes, Fate fate);
  void note(TimePoint at, const Owner& who, std::string text);
  void woke(TimePoint at, const Owner& who) { fold(at, who, 0); }

  std::uint64_t hash() const { return hash_; }
  std::uint64_t events() const { return events_; }
  // The last `most` events in which one of `whom` took part, as text; all if `whom` is empty.
  std::string diagram(const std::vector<Owner>& whom, std::size_t most) const;

 private:
  void fold(TimePoint at, const Owner& who, std::uint64_t what);
  void keep(Entry entry);

  std::deque<Entry> last_;
  std::uint64_t hash_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace meshnode::sim
