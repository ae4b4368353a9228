#include "discovery/probe_budget.h"

namespace meshnode::discovery {
namespace {

// Who was not sent anything for so long may be forgotten: most of the budget is back.
constexpr Duration kYoung = hours(1);

}  // namespace

bool ProbeBudget::make_room(TimePoint now) {
  if (spent_.size() < kMaxAddresses) return true;
  std::erase_if(spent_, [&](const auto& entry) { return now - entry.second.last >= kYoung; });
  return spent_.size() < kMaxAddresses;
}

bool ProbeBudget::take(TimePoint now, const IpAddress& destination) {
  auto found = spent_.find(destination);
  if (found == spent_.end()) {
    if (!make_room(now)) return false;
    found = spent_.emplace(destination, Spent{}).first;
  }
  Spent& spent = found->second;
  if (!spent.minute.has(now) || !spent.hour.has(now)) return false;
  spent.minute.take(now);
  spent.hour.take(now);
  spent.last = now;
  return true;
}

}  // namespace meshnode::discovery
