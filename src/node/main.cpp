// meshnode: a member of a private network.
#include <cstdio>

#include <sys/stat.h>
#include <unistd.h>

#include "io/log.h"
#include "node/host.h"
#include "node/privileges.h"
#include "node/terminal.h"

namespace {

using namespace meshnode;

int complain(const Error& error) {
  std::fputs(node::complaint("meshnode", error).c_str(), stderr);
  return error.exit_code();
}

int start(node::Config config) {
  io::set_log_level(config.log_level);
  if (const auto allowed = node::check_privileges(config.interface); !allowed)
    return complain(allowed.error());
  if (const auto there = tun::check_available(); !there) return complain(there.error());
  auto host = node::Host::open(std::move(config));
  if (!host) return complain(host.error());
  return (*host)->run();
}

}  // namespace

int main(int argc, char** argv) {
  ::umask(077);  // nothing of ours is for others unless a mode says so
  auto parsed = node::parse(argc, argv, node::machine_surroundings());
  if (const auto* printed = std::get_if<node::Printed>(&parsed)) {
    std::fputs(printed->text.c_str(), stdout);
    return 0;
  }
  if (const auto* error = std::get_if<Error>(&parsed)) return complain(*error);
  return start(std::move(std::get<node::Config>(parsed)));
}
