// Peers by number: small places in one row, so that finding and visiting them touches no other
// peer. Peers themselves never move.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "overlay/peer.h"

namespace meshnode::overlay {

class PeerTable {
  struct Place {
    PeerNumber number = kNoPeer;
    std::unique_ptr<Peer> peer;
  };
  using Places = std::vector<Place>;

 public:
  // Ascending by number; the table must not change meanwhile. `Visited`: Peer or const Peer.
  template <typename Visited>
  class Range {
   public:
    struct Entry {
      PeerNumber number;
      Visited& peer;
    };
    class Iterator {
     public:
      explicit Iterator(const Place* at) : at_(at) {}
      Entry operator*() const { return {at_->number, *at_->peer}; }
      Iterator& operator++() {
        ++at_;
        return *this;
      }
      bool operator==(const Iterator&) const = default;

     private:
      const Place* at_;
    };
    explicit Range(const Places& places) : places_(places) {}
    Iterator begin() const { return Iterator(places_.data()); }
    Iterator end() const { return Iterator(places_.data() + places_.size()); }
    std::size_t size() const { return places_.size(); }
    bool empty() const { return places_.empty(); }

   private:
    const Places& places_;
  };

  std::size_t size() const { return places_.size(); }
  Range<Peer> all() { return Range<Peer>(places_); }
  Range<const Peer> all() const { return Range<const Peer>(places_); }

  // Null if there is none.
  Peer* find(PeerNumber number) const {
    const auto place = at(number);
    return place == places_.end() || place->number != number ? nullptr : place->peer.get();
  }
  // The one that is there, or a new one. Numbers grow, so new ones mostly come last.
  Peer& add(PeerNumber number) {
    if (Peer* known = find(number)) return *known;
    auto peer = std::make_unique<Peer>();
    peer->number = number;
    return *places_.insert(at(number), Place{number, std::move(peer)})->peer;
  }
  void remove(PeerNumber number) {
    const auto place = at(number);
    if (place != places_.end() && place->number == number) places_.erase(place);
  }

 private:
  Places::const_iterator at(PeerNumber number) const {
    return std::lower_bound(places_.begin(), places_.end(), number,
                            [](const Place& place, PeerNumber n) { return place.number < n; });
  }

  Places places_;
};

}  // namespace meshnode::overlay
