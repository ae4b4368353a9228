// Somebody on the way who sees datagrams and puts in others: the same again, from the right address
// and from a wrong one, and broken ones. Everything comes in the name of a stranger who never wants
// anything.
#pragma once

#include "sim/world.h"

namespace meshnode::sim {

class Attacker {
 public:
  // Of a thousand datagrams, that many are abused.
  Attacker(World& world, unsigned per_mille);
  ~Attacker() { world_.tap = nullptr; }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

 private:
  void saw(SegmentId segment, const Datagram& datagram);
  void forge(Bytes& bytes);
  void raise_counter(Bytes& bytes);

  World& world_;
  unsigned per_mille_;
  Endpoint stranger_;
  Owner owner_;
};

}  // namespace meshnode::sim
