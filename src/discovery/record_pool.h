// Records of one network, each only once in memory however many hold it: the same bytes give the
// same object. So a signature is checked when the record comes in, and not again while somebody
// holds it.
//
// A book has a pool of its own unless it is given one; many books of one process may share one.
// Thread safety: none, neither for the pool nor for letting go of its records.
#pragma once

#include <memory>
#include <unordered_set>

#include "discovery/signed_record.h"

namespace meshnode::discovery {

class RecordPool {
 public:
  // `suite` outlives the pool; records may outlive it.
  RecordPool(Bytes network_id, const crypto::Suite& suite);

  // Null if nobody holds it.
  RecordPtr find(ByteView bytes) const;
  // Null unless it parses and the signature holds.
  RecordPtr open(ByteView bytes);
  std::size_t size() const { return held_->size(); }

 private:
  // By content; whoever lets go of a record last takes it out.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(ByteView bytes) const {
      return std::hash<std::string_view>{}(as_text(bytes));
    }
    std::size_t operator()(const SignedRecord* record) const { return (*this)(record->bytes); }
  };
  struct Same {
    using is_transparent = void;
    bool operator()(const SignedRecord* a, const SignedRecord* b) const { return a == b; }
    bool operator()(ByteView a, const SignedRecord* b) const {
      return as_text(a) == as_text(b->bytes);
    }
    bool operator()(const SignedRecord* a, ByteView b) const { return (*this)(b, a); }
  };
  using Held = std::unordered_set<const SignedRecord*, Hash, Same>;

  Bytes network_id_;
  const crypto::Suite& suite_;
  std::shared_ptr<Held> held_ = std::make_shared<Held>();
};

}  // namespace meshnode::discovery
