#include "discovery/probe_budget.h"

namespace meshnode::discovery {
namespace {

// Who was not sent anything for so long may be forgotten: most of the budget is back.
constexpr Duration kYoung = hours(1);

unsigned left_to_others(unsigned burst, ProbeBudget::Need need) {
  switch (need) {
    case ProbeBudget::Need::urgent:
      return 0;
    case ProbeBudget::Need::again:
      return burst / 8;
    case ProbeBudget::Need::usual:
      return burst / 4;
    case ProbeBudget::Need::unlikely:
      break;
  }
  return burst / 2;
}

}  // namespace

bool ProbeBudget::make_room(TimePoint now) {
  if (spent_.size() < kMaxAddresses) return true;
  std::erase_if(spent_, [&](const auto& entry) { return now - entry.second.last >= kYoung; });
  return spent_.size() < kMaxAddresses;
}

bool ProbeBudget::take(TimePoint now, const IpAddress& destination, Need need) {
  auto found = spent_.find(destination);
  if (found == spent_.end()) {
    if (!make_room(now)) return false;
    const Spent fresh{TokenBucket(rules_.per_minute / 60.0, rules_.burst),
                      TokenBucket(rules_.per_hour / 3600.0, rules_.long_burst), now};
    found = spent_.emplace(destination, fresh).first;
  }
  Spent& spent = found->second;
  const unsigned left = left_to_others(rules_.burst, need);
  if (!spent.minute.has(now, left + 1)) return false;
  const unsigned left_in_hour = need == Need::unlikely ? rules_.long_burst / 2 : 0;
  const bool pressing = need == Need::urgent || need == Need::again;
  if (!pressing && !spent.hour.has(now, left_in_hour + 1)) return false;
  spent.minute.take(now);
  spent.hour.take(now);
  spent.last = now;
  return true;
}

}  // namespace meshnode::discovery
