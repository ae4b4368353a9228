#include "node/member_memory.h"

#include <utility>

#include "io/log.h"

namespace meshnode::node {
namespace {

using io::log;
using io::plain;

// A big network changes all the time, and nobody's disk is to be worn out by it.
constexpr Duration kRememberEvery = seconds(10);
constexpr std::size_t kMembersPerPause = 64;

}  // namespace

void MemberMemory::recall(Now now, StateDir& state, const std::string& fingerprint,
                          overlay::Core& core) {
  auto members = state.load_members(fingerprint);
  for (const std::string& notice : state.take_notices())
    log(LogModule::node, LogLevel::warn, {plain(notice)});
  if (!members) return log(LogModule::node, LogLevel::warn, {plain(members.error().message)});
  core.recall(now, *members);
  version_ = core.engine().memory_version();
  log(LogModule::node, LogLevel::debug, {"remembered members: ", members->size()});
}

void MemberMemory::remember(Now now, StateDir& state, const std::string& fingerprint,
                            const overlay::Core& core) {
  next_ = now.mono + kRememberEvery;
  const std::uint64_t version = core.engine().memory_version();
  if (version == version_) return;
  const auto members = core.engine().memory(now);
  next_ += kRememberEvery * static_cast<int>(members.size() / kMembersPerPause);
  const auto stored = state.store_members({fingerprint, members});
  if (stored) {
    version_ = version;
    told_failed_ = false;
  } else if (!std::exchange(told_failed_, true)) {
    log(LogModule::node, LogLevel::warn, {plain(stored.error().message)});
  }
}

}  // namespace meshnode::node
