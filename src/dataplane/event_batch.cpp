#include "dataplane/event_batch.h"

#include <algorithm>

#include "base/result.h"

namespace meshnode::dataplane {
namespace {

// A packet that is too big was counted as dropped by the pump: only its sender does not hear of it.
void count_lost(PumpEvent::Kind kind, DropCounters& lost) {
  if (kind == PumpEvent::Kind::no_route) lost.count(Drop::no_route);
  if (kind == PumpEvent::Kind::no_session) lost.count(Drop::no_session);
}

}  // namespace

EventBatch::EventBatch() {
  unsent_.reserve(kMaxPackets);
  refused_.reserve(kMaxRefused);
  bytes_.reserve(kMaxBytes);
}

void EventBatch::add(const PumpEvent& event, std::uint64_t changes) {
  switch (event.kind) {
    case PumpEvent::Kind::no_route:
    case PumpEvent::Kind::no_session:
    case PumpEvent::Kind::too_big:
      return add_packet(event, changes);
    case PumpEvent::Kind::sent:
    case PumpEvent::Kind::key_worn:
      return add_note({event.kind, event.peer, event.session, event.size});
    case PumpEvent::Kind::received:
    case PumpEvent::Kind::first_data:
    case PumpEvent::Kind::new_endpoint:
    case PumpEvent::Kind::control:
      MESH_ASSERT(false);  // the other pump's
  }
}

void EventBatch::add_packet(const PumpEvent& event, std::uint64_t changes) {
  if (unsent_.size() == kMaxPackets || kMaxBytes - bytes_.size() < event.bytes.size())
    return count_lost(event.kind, lost_);
  const std::size_t at = bytes_.size();
  bytes_.insert(bytes_.end(), event.bytes.begin(), event.bytes.end());
  unsent_.push_back({event, changes});
  unsent_.back().event.bytes = ByteView(bytes_).subspan(at);
}

void EventBatch::add_note(const Note& note) {
  const auto known = std::find_if(notes_.begin(), notes_.end(), [&](const Note& other) {
    return other.kind == note.kind && other.peer == note.peer && other.session == note.session;
  });
  if (known == notes_.end()) return notes_.push_back(note);
  known->size = std::max(known->size, note.size);
}

void EventBatch::add_refused(const Path& path, std::size_t size) {
  if (refused_.size() < kMaxRefused) refused_.push_back({path, size});
}

void EventBatch::append(const EventBatch& later) {
  for (const Unsent& unsent : later.unsent_) add_packet(unsent.event, unsent.changes);
  for (const Refused& refused : later.refused_) add_refused(refused.path, refused.size);
  for (const Note& note : later.notes_) add_note(note);
}

void EventBatch::swap(EventBatch& other) noexcept {
  unsent_.swap(other.unsent_);
  bytes_.swap(other.bytes_);
  refused_.swap(other.refused_);
  notes_.swap(other.notes_);
}

void EventBatch::clear() {
  unsent_.clear();
  bytes_.clear();
  refused_.clear();
  notes_.clear();
}

}  // namespace meshnode::dataplane
