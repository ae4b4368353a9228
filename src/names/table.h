// Who has which name. Follows from the members alone: all who know the same members have the same
// table.
//
// Invariants
//  1. A label that more than one member would have is nobody's (docs/decisions/0028-names.md):
//     who takes the name of one that is there can make it fail, never lead it elsewhere. One that
//     said goodbye keeps its label until somebody who is there has it.
//  2. An id's prefix names a member only if it is one member's. A whole id always does.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "base/ids.h"

namespace meshnode::names {

struct Member {
  NodeId id{};
  std::string name{};                // as it says: any text
  std::vector<IpAddress> addresses;  // inside; the first kMaxAddresses count
  bool gone = false;                 // it said goodbye
  bool operator==(const Member&) const = default;
};

// Between members that are there.
struct Conflict {
  std::string label;
  std::vector<NodeId> members;  // ascending, the first kMostShown
  std::size_t count = 0;        // of all of them
  static constexpr std::size_t kMostShown = 8;
  bool operator==(const Conflict&) const = default;
};

class Table {
 public:
  static constexpr std::size_t kMaxAddresses = 4;

  Table() = default;
  // In any order; of several with one id the one with the most addresses, then any counts.
  explicit Table(std::vector<Member> members);

  // Null if there is none, or none alone.
  const Member* by_label(std::string_view label) const;
  const Member* by_id(std::string_view prefix) const;  // lower case, kShortestPrefix or more
  const Member* by_address(const IpAddress& address) const;
  // Whether some member's IPv6 address begins with the `bits` of this one.
  bool any_within(const Cidr& prefix) const;

  // By as much of its id as is its alone: "ck3vq7xa.id.mesh", or the whole id.
  std::string id_name_of(const Member& member) const;
  // "beta.mesh", or by its id where that is not its own.
  std::string name_of(const Member& member) const;
  const std::vector<Conflict>& conflicts() const { return conflicts_; }  // by label
  const std::vector<Member>& members() const { return members_; }        // by id

 private:
  using Labels = std::map<std::string, std::size_t, std::less<>>;
  void give_labels();

  std::vector<Member> members_;
  Labels by_label_;  // kContested: nobody's
  std::map<IpAddress, std::size_t> by_address_;
  std::vector<Conflict> conflicts_;
};

}  // namespace meshnode::names
