#include "discovery/record_pool.h"

namespace meshnode::discovery {

RecordPool::RecordPool(Bytes network_id, const crypto::Suite& suite)
    : network_id_(std::move(network_id)), suite_(suite) {}

RecordPtr RecordPool::find(ByteView bytes) const {
  const auto found = held_->find(bytes);
  return found == held_->end() ? nullptr : (*found)->shared_from_this();
}

RecordPtr RecordPool::open(ByteView bytes) {
  if (RecordPtr known = find(bytes)) return known;
  std::unique_ptr<SignedRecord> opened = open_record_alone(bytes, network_id_, suite_);
  if (!opened) return nullptr;
  const auto let_go = [held = std::weak_ptr(held_)](const SignedRecord* record) {
    if (const auto pool = held.lock()) pool->erase(record);
    delete record;
  };
  held_->insert(opened.get());
  return RecordPtr(opened.release(), let_go);
}

}  // namespace meshnode::discovery
