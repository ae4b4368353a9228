#include "support/scratch_namespace.h"

#include <fcntl.h>
#include <sched.h>

#include "base/result.h"

namespace meshnode::test {

namespace {

io::UniqueFd current() {
  return io::UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

}  // namespace

ScratchNamespace::ScratchNamespace() : home_(current()) {
  if (home_ && unshare(CLONE_NEWNET) == 0) own_ = current();
}

ScratchNamespace::~ScratchNamespace() {
  if (ok()) MESH_ASSERT(setns(home_.get(), CLONE_NEWNET) == 0);
}

void ScratchNamespace::enter() const {
  MESH_ASSERT(setns(own_.get(), CLONE_NEWNET) == 0);
}

}  // namespace meshnode::test
