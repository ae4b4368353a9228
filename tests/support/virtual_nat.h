// A home router in virtual time: everything between one node and the others goes through it. One
// mapping for all destinations; lets in only what comes from where the node has spoken to.
#pragma once

#include <set>

#include "support/virtual_lan.h"

namespace meshnode::test {

class VirtualNat {
 public:
  VirtualNat(const VirtualNode& inside, Endpoint outside)
      : inside_(inside.endpoint()), outside_(outside) {}

  // For VirtualLan::route.
  bool pass(Datagram& datagram) {
    if (datagram.from == inside_) {
      spoken_.insert(datagram.to);
      datagram.from = outside_;
      return true;
    }
    if (datagram.to == inside_) return false;  // nobody reaches it but through us
    if (!is_ours(datagram.to)) return true;
    if (datagram.to != outside_ || !spoken_.contains(datagram.from)) return false;
    datagram.to = inside_;
    return true;
  }
  // It forgets everything and is somewhere else: another port, perhaps another address.
  void rebind(Endpoint outside) {
    earlier_.insert(outside_);
    outside_ = outside;
    spoken_.clear();
  }

 private:
  bool is_ours(const Endpoint& to) const { return to == outside_ || earlier_.contains(to); }

  Endpoint inside_;
  Endpoint outside_;
  std::set<Endpoint> earlier_;
  std::set<Endpoint> spoken_;
};

}  // namespace meshnode::test
