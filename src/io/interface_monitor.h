// What the machine's network looks like, and a descriptor that tells when to look again.
//
// The kernel's notifications are only a doorbell: they may be lost (ENOBUFS) or say nothing new
// (renewed lifetimes, wireless noise). So drain() throws them away, list() takes a fresh snapshot,
// and the host compares it with the last one (Interface has ==; order is stable).
#pragma once

#include "base/interfaces.h"
#include "base/result.h"
#include "io/unique_fd.h"

namespace meshnode::io {

class InterfaceMonitor {
 public:
  static Result<InterfaceMonitor> open();

  // All interfaces by index, each with its addresses in ascending order, link-local ones included.
  // Left out are addresses that cannot be used (yet): tentative ones and ones that failed duplicate
  // address detection; when detection ends, the doorbell rings.
  // Routes are those to private networks through a gateway, at most 64 each. They are looked at
  // when links or addresses change, not on each change of a route: a router may have a million.
  //   up         administratively up, carrier, and not dormant (802.1X)
  //   broadcast  has a broadcast domain and is not point-to-point
  //   overlay    its alias begins with "meshnode" (tun/configure.h sets it)
  Result<Interfaces> list() const;

  int fd() const { return fd_.get(); }  // readable when something changed
  // Empties the descriptor; true if there was something.
  bool drain();

 private:
  explicit InterfaceMonitor(UniqueFd fd);
  UniqueFd fd_;
};

}  // namespace meshnode::io
