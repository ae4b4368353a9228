// Starting a worker: the first one as a fork of the monitor, which has read the options; later ones
// as the program that lies at the same place then.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "monitor/channel.h"

namespace meshnode::monitor {

// Tells a program that is started anew which descriptor its channel is.
inline constexpr const char* kChannelVariable = "MESHNODE_MONITOR_FD";

struct Process {
  pid_t pid = -1;
  Channel channel{};
};

// The child runs `work` and exits with what it returns; it dies with its parent. Only while the
// process has one thread.
Result<Process> fork_worker(const std::function<int(Channel)>& work);
// The child is `path` with `arguments` (argv[0] first) and our standard streams; every other
// descriptor is closed.
Result<Process> exec_worker(const std::string& path, const std::vector<std::string>& arguments);

// Where the running program lies; empty if nobody knows.
std::string own_path();
// From now on the kernel kills this process when its parent ends. False if the parent is gone
// already. Again after a change of user, which takes it back (prctl(2)).
bool die_with(pid_t parent);

}  // namespace meshnode::monitor
