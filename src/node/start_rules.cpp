#include "node/start_rules.h"

#include <charconv>

namespace meshnode::node {
namespace {

constexpr std::size_t kMaxInterface = 15;

StartDecision refuse(Error error) {
  return {StartOutcome::refused, "", std::move(error)};
}

StartDecision without_network(const StartFacts& facts) {
  if (facts.given) return {StartOutcome::use_given, ""};
  if (facts.stored.condition == NetworkFile::Condition::missing) return {StartOutcome::made, ""};
  return refuse(Error::world(facts.network_file +
                             " is damaged: give this network's key with --key (another member "
                             "tells it: meshctl join-line), or move the file away to begin with a "
                             "new network"));
}

// The same network, but not the same key: only a newer generation may follow.
StartDecision same_network(const overlay::NetworkSecret& given,
                           const overlay::NetworkSecret& stored) {
  const std::string network = "network " + stored.fingerprint();
  if (given.generation > stored.generation)
    return {StartOutcome::rotated, network + " goes on with key generation " +
                                       std::to_string(given.generation) + " instead of " +
                                       std::to_string(stored.generation)};
  if (given.generation < stored.generation)
    return refuse(Error::usage("the given key is generation " + std::to_string(given.generation) +
                               " of " + network + ", which has been replaced by generation " +
                               std::to_string(stored.generation) +
                               ": leave it out, or give the newest one (meshctl join-line)"));
  return refuse(Error::usage("the given key and the stored one are both generation " +
                             std::to_string(stored.generation) + " of " + network +
                             " and yet differ: one of them is not genuine (leave the given one "
                             "out, or take one from another member: meshctl join-line)"));
}

StartDecision other_network(const StartFacts& facts) {
  const StoredNetwork& stored = facts.stored.network;
  const std::string ours = stored.secret.fingerprint();
  const std::string theirs = facts.given->fingerprint();
  if (stored.made_here && !stored.had_second_member)
    return {StartOutcome::replaced_kept_aside, "network " + ours +
                                                   " was made here and nobody ever joined it: "
                                                   "replaced by network " +
                                                   theirs};
  return refuse(Error::usage(
      "this node is a member of network " + ours + ", and the given key is for network " + theirs +
      ": leave the key out to stay, or run the second network beside the first with --interface " +
      next_interface(facts.interface)));
}

}  // namespace

StartDecision decide_network(const StartFacts& facts) {
  if (facts.stored.condition != NetworkFile::Condition::good) return without_network(facts);
  const overlay::NetworkSecret& stored = facts.stored.network.secret;
  if (!facts.given || *facts.given == stored) return {StartOutcome::use_stored, ""};
  if (facts.given->seed == stored.seed) return same_network(*facts.given, stored);
  return other_network(facts);
}

std::string next_interface(const std::string& interface) {
  const auto digits = interface.find_last_not_of("0123456789") + 1;  // npos + 1 is 0
  unsigned number = 0;
  std::from_chars(interface.data() + digits, interface.data() + interface.size(), number);
  const std::string next = std::to_string(number + 1);
  return interface.substr(0, std::min(digits, kMaxInterface - next.size())) + next;
}

}  // namespace meshnode::node
