#include "discovery/probe_budget.h"

namespace meshnode::discovery {
namespace {

constexpr Duration kShort = seconds(10);
constexpr Duration kLong = hours(1);

}  // namespace

bool ProbeBudget::make_room(TimePoint now) {
  if (spent_.size() < kMaxAddresses) return true;
  std::erase_if(spent_, [&](const auto& entry) { return now - entry.second.long_began >= kLong; });
  return spent_.size() < kMaxAddresses;
}

bool ProbeBudget::take(TimePoint now, const IpAddress& destination) {
  auto found = spent_.find(destination);
  if (found == spent_.end()) {
    if (!make_room(now)) return false;
    found = spent_.emplace(destination, Spent{now, now, 0, 0}).first;
  }
  Spent& spent = found->second;
  if (now - spent.short_began >= kShort) {
    spent.short_began = now;
    spent.in_short = 0;
  }
  if (now - spent.long_began >= kLong) {
    spent.long_began = now;
    spent.in_long = 0;
  }
  if (spent.in_short >= kPerTenSeconds || spent.in_long >= kPerHour) return false;
  ++spent.in_short;
  ++spent.in_long;
  return true;
}

}  // namespace meshnode::discovery
