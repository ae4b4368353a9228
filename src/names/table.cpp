#include "names/table.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "names/label.h"

namespace meshnode::names {
namespace {

constexpr std::size_t kContested = ~std::size_t{0};
constexpr std::size_t kIdCharacters = 52;

// The lowest id whose text begins so: what is missing is 'a', which is zero.
std::optional<NodeId> first_with(std::string_view prefix) {
  std::string whole(prefix);
  whole.resize(kIdCharacters, 'a');
  return NodeId::parse(whole);
}

}  // namespace

Table::Table(std::vector<Member> members) : members_(std::move(members)) {
  std::sort(members_.begin(), members_.end(), [](const Member& a, const Member& b) {
    if (a.id != b.id) return a.id < b.id;
    if (a.addresses.size() != b.addresses.size()) return a.addresses.size() > b.addresses.size();
    return a.name > b.name;
  });
  const auto twice = [](const Member& a, const Member& b) { return a.id == b.id; };
  members_.erase(std::unique(members_.begin(), members_.end(), twice), members_.end());
  for (std::size_t i = 0; i < members_.size(); ++i) {
    auto& addresses = members_[i].addresses;
    if (addresses.size() > kMaxAddresses) addresses.resize(kMaxAddresses);
    for (const IpAddress& address : addresses) by_address_.emplace(address, i);
  }
  give_labels();
}

void Table::give_labels() {
  std::map<std::string, Conflict> there;
  Labels left;  // by those who are gone
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Member& member = members_[i];
    const std::string label = label_of(member.name);
    if (label.empty()) continue;
    const auto [place, first] = (member.gone ? left : by_label_).emplace(label, i);
    if (!first) place->second = kContested;
    if (member.gone) continue;
    Conflict& all = there[label];
    if (all.members.size() < Conflict::kMostShown) all.members.push_back(member.id);
    ++all.count;
  }
  by_label_.merge(left);
  for (auto& [label, all] : there) {
    all.label = label;
    if (all.count > 1) conflicts_.push_back(std::move(all));
  }
}

const Member* Table::by_label(std::string_view label) const {
  const auto found = by_label_.find(label);
  return found == by_label_.end() || found->second == kContested ? nullptr
                                                                 : &members_[found->second];
}

const Member* Table::by_id(std::string_view prefix) const {
  if (prefix.size() < kShortestPrefix || prefix.size() > kIdCharacters) return nullptr;
  const auto least = first_with(prefix);
  if (!least) return nullptr;
  const auto begins = [&](auto at) {
    return at != members_.end() && at->id.to_string().starts_with(prefix);
  };
  const auto found =
      std::lower_bound(members_.begin(), members_.end(), *least,
                       [](const Member& member, const NodeId& id) { return member.id < id; });
  return begins(found) && !begins(found + 1) ? &*found : nullptr;
}

const Member* Table::by_address(const IpAddress& address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : &members_[found->second];
}

bool Table::any_within(const Cidr& prefix) const {
  const auto found = by_address_.lower_bound(prefix.ip);
  return found != by_address_.end() && prefix.contains(found->first);
}

std::string Table::id_name_of(const Member& member) const {
  const std::string prefix = member.id.to_string().substr(0, kShortestPrefix);
  return by_id(prefix) != nullptr ? id_name(member.id) : whole_id_name(member.id);
}

std::string Table::name_of(const Member& member) const {
  const std::string label = label_of(member.name);
  const Member* owner = by_label(label);
  return owner != nullptr && owner->id == member.id ? member_name(label) : id_name_of(member);
}

}  // namespace meshnode::names
