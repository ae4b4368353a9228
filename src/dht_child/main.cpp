// meshnode-dht: OpenDHT in a sandbox, started by meshnode and meshhub.
#include <cstdio>
#include <cstdlib>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dht_child/sandbox.h"
#include "dht_child/serve.h"

namespace {

using namespace meshnode;

constexpr int kLink = 3;

bool is_link(int fd) {
  int type = 0;
  int domain = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET &&
         ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

}  // namespace

int main(int argc, char**) {
  if (argc != 1 || !is_link(kLink)) {
    std::fputs(
        "meshnode-dht: the part of meshnode and meshhub that speaks to the DHT; they start it by "
        "themselves, and it does nothing when started by hand\n",
        stderr);
    return 2;
  }
  ::umask(077);
  for (const auto step : {dht_child::give_up_rights, dht_child::confine})
    if (const auto done = step(); !done) {
      std::fprintf(stderr, "meshnode-dht: %s\n", done.error().message.c_str());
      return 1;
    }
  // Without destructors: OpenDHT has nothing to save.
  ::_exit(dht_child::serve(kLink));
}
