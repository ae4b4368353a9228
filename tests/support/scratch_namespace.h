// For tests: a fresh, empty network namespace for the calling thread, so that real interfaces,
// addresses and sockets can be tried without touching the machine's.
//
// Sockets belong to the namespace in which they were made. The namespace ends with the object and
// the last socket in it. Several nest: make a, make b, and go to and fro with enter(); destroyed in
// reverse order, they lead home.
#pragma once

#include "io/unique_fd.h"

namespace meshnode::test {

class ScratchNamespace {
 public:
  ScratchNamespace();   // makes and enters it; needs root (CAP_SYS_ADMIN), see ok()
  ~ScratchNamespace();  // goes back to where the constructor was called
  ScratchNamespace(const ScratchNamespace&) = delete;
  ScratchNamespace& operator=(const ScratchNamespace&) = delete;

  bool ok() const { return static_cast<bool>(own_); }
  void enter() const;
  int fd() const { return own_.get(); }  // a handle on the namespace, e.g. to move interfaces there

 private:
  io::UniqueFd home_;
  io::UniqueFd own_;
};

}  // namespace meshnode::test
