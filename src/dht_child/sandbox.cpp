#include "dht_child/sandbox.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sandbox/capabilities.h"
#include "sandbox/system_call_filter.h"

namespace meshnode::dht_child {
namespace {

Status failed(const char* what) {
  return Error::world(std::string("cannot ") + what + ": " + std::strerror(errno));
}

bool limit(__rlimit_resource what, rlim_t most) {
  rlimit now{};
  if (::getrlimit(what, &now) != 0) return false;
  const rlimit lower{std::min(now.rlim_cur, most), std::min(now.rlim_max, most)};
  return ::setrlimit(what, &lower) == 0;
}

}  // namespace

Status give_up_rights() {
  const pid_t parent = ::getppid();
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return failed("be tied to the parent");
  if (::getppid() != parent) ::_exit(0);  // it died in between
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM})
    std::signal(signal, SIG_IGN);
  ::setsid();  // no terminal: neither ^Z nor its end. Fails for a group's leader, which has none
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("set no_new_privs");
  if (!sandbox::drop_capabilities()) return failed("drop capabilities");
  if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, kMostDescriptors))
    return failed("limit resources");
  if (!sandbox::kSanitized && !limit(RLIMIT_AS, kMostMemory)) return failed("limit memory");
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return failed("become non-dumpable");
  return success();
}

}  // namespace meshnode::dht_child
