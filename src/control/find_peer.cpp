#include "control/find_peer.h"

#include <algorithm>

#include "control/printable.h"

namespace meshnode::control {
namespace {

constexpr std::size_t kListed = 8;

using Found = std::vector<std::size_t>;

template <typename Fits>
Found all_that(const std::vector<NamedPeer>& peers, Fits fits) {
  Found out;
  for (std::size_t i = 0; i < peers.size(); ++i)
    if (fits(peers[i])) out.push_back(i);
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string quoted(std::string_view text) {
  return "\"" + printable(text) + "\"";
}

std::string listed(const std::vector<NamedPeer>& peers, const Found& which) {
  std::string out;
  for (std::size_t i = 0; i < std::min(which.size(), kListed); ++i) {
    const NamedPeer& peer = peers[which[i]];
    out += i == 0 ? "" : ", ";
    out += peer.name.empty() ? peer.id.short_string()
                             : printable(peer.name) + " (" + peer.id.short_string() + ")";
  }
  if (which.size() > kListed) out += " and " + std::to_string(which.size() - kListed) + " more";
  return out;
}

Result<std::size_t> one_of(std::string_view text, const std::vector<NamedPeer>& peers,
                           const Found& found) {
  if (found.size() == 1) return found.front();
  return Error::usage(quoted(text) + " may be any of these: " + listed(peers, found) +
                      ": give more of the id");
}

}  // namespace

Result<std::size_t> find_peer(std::string_view text, const std::vector<NamedPeer>& peers) {
  if (text.empty())
    return Error::usage("say which peer: a name, an address, or the beginning of an id");
  if (const auto address = IpAddress::parse(text)) {
    const Found found = all_that(peers, [&](const NamedPeer& peer) {
      const auto& of = peer.addresses;
      return std::find(of.begin(), of.end(), *address) != of.end();
    });
    if (!found.empty()) return one_of(text, peers, found);
  }
  const Found named = all_that(peers, [&](const NamedPeer& peer) {
    return peer.name == text || (!peer.name.empty() && printable(peer.name) == text);
  });
  if (!named.empty()) return one_of(text, peers, named);
  const std::string prefix = lower(text);
  const Found begun = all_that(peers, [&](const NamedPeer& peer) {
    return peer.id.to_string().compare(0, prefix.size(), prefix) == 0;
  });
  if (!begun.empty()) return one_of(text, peers, begun);
  if (peers.empty()) return Error::usage("no member " + quoted(text) + " is known, nor any other");
  Found all(peers.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return Error::usage("no member " + quoted(text) + " is known; known are " + listed(peers, all));
}

}  // namespace meshnode::control
