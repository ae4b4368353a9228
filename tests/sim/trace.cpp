#include "sim/trace.h"

#include <algorithm>
#include <cstdio>

#include "sim/cheap_suite.h"

namespace meshnode::sim {
namespace {

const char* type_name(std::uint8_t type, std::size_t size) {
  if (type == 0x43 && size == 1) return "opener";
  switch (type) {
    case 0x40:
      return "init";
    case 0x41:
      return "response";
    case 0x42:
      return "challenge";
    case 0x43:
      return "probe";
    case 0x44:
      return "data";
    case 0x00:
      return "stun?";
    case 0x01:
      return "stun!";
    default:
      return "other";
  }
}

const char* fate_name(Fate fate) {
  switch (fate) {
    case Fate::delivered:
      return "";
    case Fate::lost:
      return "lost on the line";
    case Fate::unroutable:
      return "no such address";
    case Fate::filtered:
      return "kept out by a NAT";
    case Fate::cut:
      return "lost in the partition";
    case Fate::down:
      return "nobody home";
  }
  return "";
}

bool among(const Owner& who, const std::vector<Owner>& whom) {
  return whom.empty() || std::find(whom.begin(), whom.end(), who) != whom.end();
}

}  // namespace

std::string Owner::name() const {
  constexpr const char* kNames[] = {"-", "n", "nat", "hub", "bystander"};
  const std::string name = kNames[static_cast<std::size_t>(kind)];
  return kind == Kind::none ? name : name + std::to_string(index);
}

void Trace::fold(TimePoint at, const Owner& who, std::uint64_t what) {
  ++events_;
  const std::uint64_t words[] = {hash_, static_cast<std::uint64_t>(at.time_since_epoch().count()),
                                 static_cast<std::uint64_t>(who.kind) << 32 | who.index, what};
  hash_ = digest({reinterpret_cast<const std::uint8_t*>(words), sizeof(words)});
}

void Trace::keep(Entry entry) {
  last_.push_back(std::move(entry));
  if (last_.size() > kKept) last_.pop_front();
}

void Trace::datagram(TimePoint at, const Owner& from, const Owner& to, const Endpoint& aim,
                     ByteView bytes, Fate fate) {
  fold(at, from, digest(bytes, static_cast<std::uint64_t>(fate) << 32 | to.index));
  keep({.at = at,
        .from = from,
        .to = to,
        .aim = aim,
        .type = bytes.empty() ? std::uint8_t{0xff} : bytes[0],
        .size = static_cast<std::uint16_t>(bytes.size()),
        .fate = fate});
}

void Trace::note(TimePoint at, const Owner& who, std::string text) {
  fold(at, who, digest(as_bytes(text)));
  Entry entry;
  entry.at = at;
  entry.from = who;
  entry.note = std::move(text);
  keep(std::move(entry));
}

std::string Trace::diagram(const std::vector<Owner>& whom, std::size_t most) const {
  std::vector<const Entry*> shown;
  for (auto entry = last_.rbegin(); entry != last_.rend() && shown.size() < most; ++entry) {
    const bool between =
        whom.size() < 2 || !entry->note.empty()
            ? among(entry->from, whom) || among(entry->to, whom)
            : among(entry->from, whom) && among(entry->to, whom) && entry->from != entry->to;
    if (between) shown.push_back(&*entry);
  }
  std::string out;
  for (auto entry = shown.rbegin(); entry != shown.rend(); ++entry) {
    const Entry& e = **entry;
    const double seconds = std::chrono::duration<double>(e.at.time_since_epoch()).count();
    char line[256];
    if (!e.note.empty()) {
      std::snprintf(line, sizeof(line), "%14.6f  %8s  * %s\n", seconds, e.from.name().c_str(),
                    e.note.c_str());
    } else {
      const bool got = e.fate == Fate::delivered;
      std::snprintf(line, sizeof(line), "%14.6f  %8s --%s(%u)--%s %-8s %s %s\n", seconds,
                    e.from.name().c_str(), type_name(e.type, e.size), e.size, got ? ">" : "x",
                    e.to.name().c_str(), fate_name(e.fate), got ? "" : e.aim.to_string().c_str());
    }
    out += line;
  }
  return out;
}

}  // namespace meshnode::sim
