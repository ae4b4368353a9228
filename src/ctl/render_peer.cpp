#include "ctl/render_peer.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "control/printable.h"
#include "ctl/units.h"

namespace meshnode::ctl {
namespace {

using control::CandidateState;
using control::EdgeStatus;
using control::PathStatus;
using control::PeerState;
using control::PeerStatus;
using control::printable;

std::string line(const char* what, const std::string& value) {
  std::string out = what;
  out.resize(12, ' ');
  return out + value + "\n";
}

std::string loss_of(const EdgeStatus& edge) {
  if (edge.probes == 0) return kUnknown;
  char text[16];
  std::snprintf(text, sizeof text, "%.0f %%", 100.0 * edge.lost / edge.probes);
  return text;
}

std::string mtu_of(const EdgeStatus& edge) {
  if (edge.datagram == 0) return kUnknown;
  return std::to_string(edge.datagram) + (edge.mtu_settled ? "" : "+");
}

std::string rtt_of(const PathStatus& path) {
  return path.rtt_ms ? human_ms(*path.rtt_ms) : kUnknown;
}

std::string path_lines(const PathStatus& path) {
  std::string out = std::string(word(path.kind)) + ", ";
  if (path.local) out += path.local->to_string() + " to ";
  return line("path", out + path.remote.to_string());
}

std::string edge_lines(const EdgeStatus& edge) {
  std::string out;
  if (edge.observed) out += line("seen as", edge.observed->to_string());
  std::string rtt =
      human_ms(edge.rtt_avg_ms) + " on average, jitter " + human_ms(edge.rtt_jitter_ms);
  if (edge.rtt_last_ms > 0)
    rtt += ", last " + human_ms(edge.rtt_last_ms) + ", least " + human_ms(edge.rtt_min_ms);
  out += line("rtt", edge.rtt_avg_ms > 0 ? rtt : kUnknown);
  out += line("loss", edge.probes == 0 ? std::string(kUnknown)
                                       : std::to_string(edge.lost) + " of the last " +
                                             std::to_string(edge.probes) + " probes");
  out += line("datagrams", "up to " + std::to_string(edge.datagram) + " bytes" +
                               (edge.mtu_settled ? "" : ", more was not needed so far"));
  out += line("cipher", edge.cipher ? printable(*edge.cipher) : "no keys at present");
  out += line("keep-alive", "every " + human_seconds(edge.keep_alive_s));
  return out;
}

std::string candidate_table(const std::vector<control::CandidateStatus>& candidates,
                            const Look& look) {
  if (candidates.empty()) return "no candidates\n";
  std::vector<Row> rows;
  for (const auto& candidate : candidates) {
    const Cell state = candidate.state == CandidateState::carries ? Cell{"carries data", kGreen}
                       : candidate.state == CandidateState::spare ? Cell{"spare"}
                                                                  : Cell{"sought", kDim};
    rows.push_back({{candidate.endpoint.to_string()},
                    state,
                    {std::to_string(candidate.probes)},
                    {std::to_string(candidate.answers)},
                    {candidate.rtt_ms ? human_ms(*candidate.rtt_ms) : kUnknown}});
  }
  return table({{"CANDIDATE"}, {"STATE"}, {"PROBES", true}, {"ANSWERS", true}, {"RTT", true}}, rows,
               look);
}

std::string sentence(const std::string& cause) {
  static const std::map<std::string, std::string> known{
      {"first", "there was none"},
      {"unanswered", "the one before stopped to answer"},
      {"address-gone", "our own address of the one before was gone"},
      {"peer-turned", "the peer spoke from there"},
      {"lan", "it is in the local network"},
      {"faster", "it is faster"},
      {"goodbye", "the peer stopped"}};
  const auto found = known.find(cause);
  return found == known.end() ? printable(cause) : found->second;
}

std::string history_table(const std::vector<control::ChangeStatus>& changes, const Look& look) {
  if (changes.empty()) return "no path so far\n";
  std::vector<Row> rows;
  for (auto change = changes.rbegin(); change != changes.rend(); ++change)
    rows.push_back({{human_seconds(change->ago_s) + " ago"},
                    {change->to ? change->to->to_string() : "no path"},
                    {sentence(change->cause)}});
  return table({{"PATH CHANGED", true}, {"TO"}, {"BECAUSE"}}, rows, look);
}

struct Rates {
  double tx = 0;  // bytes a second
  double rx = 0;
};

Rates rates_of(const PeerStatus& now, const std::vector<PeerStatus>& before, double seconds) {
  const auto old = std::find_if(before.begin(), before.end(),
                                [&](const PeerStatus& peer) { return peer.id == now.id; });
  // A peer that was forgotten meanwhile counts from zero again.
  if (old == before.end() || seconds <= 0 || old->tx_bytes > now.tx_bytes ||
      old->rx_bytes > now.rx_bytes)
    return {};
  return {static_cast<double>(now.tx_bytes - old->tx_bytes) / seconds,
          static_cast<double>(now.rx_bytes - old->rx_bytes) / seconds};
}

std::string human_rate(double bytes) {
  return human_bytes(static_cast<std::uint64_t>(bytes + 0.5)) + "/s";
}

}  // namespace

Cell state_cell(PeerState state) {
  switch (state) {
    case PeerState::connected:
      return {"connected", kGreen};
    case PeerState::connecting:
      return {"connecting", kYellow};
    case PeerState::idle:
      return {"idle", kDim};
    case PeerState::unreachable:
      return {"unreachable", kRed};
  }
  return {kUnknown};
}

const char* word(control::PathKind kind) {
  return kind == control::PathKind::lan ? "lan" : "direct";
}

std::string shown_name(const NodeId& id, const std::string& name) {
  return name.empty() ? id.short_string() : printable(name);
}

std::string shown_name(const PeerStatus& peer) {
  return shown_name(peer.id, peer.name.value_or(""));
}

// The address that people type: the IPv4 one, if there is one.
std::string shown_address(const PeerStatus& peer) {
  for (const IpAddress& address : peer.addresses)
    if (address.is_v4()) return address.to_string();
  return peer.addresses.empty() ? kUnknown : peer.addresses.front().to_string();
}

void sort_for_people(std::vector<PeerStatus>& peers) {
  const auto order = [](const PeerStatus& peer) {
    return std::tuple(peer.state, shown_name(peer), peer.id);
  };
  std::sort(peers.begin(), peers.end(),
            [&](const PeerStatus& a, const PeerStatus& b) { return order(a) < order(b); });
}

std::string render_peers(std::vector<PeerStatus> peers, const Look& look) {
  if (peers.empty()) return "no peers so far\n";
  sort_for_people(peers);
  std::vector<Row> rows;
  for (const PeerStatus& peer : peers) {
    const EdgeStatus edge = peer.edge.value_or(EdgeStatus{});
    rows.push_back({{shown_name(peer)},
                    {peer.id.short_string()},
                    state_cell(peer.state),
                    {shown_address(peer)},
                    {peer.path ? word(peer.path->kind) : kUnknown},
                    {peer.path ? rtt_of(*peer.path) : kUnknown},
                    {loss_of(edge)},
                    {mtu_of(edge)},
                    {human_bytes(peer.tx_bytes)},
                    {human_bytes(peer.rx_bytes)}});
  }
  return table({{"PEER"},
                {"ID"},
                {"STATE"},
                {"ADDRESS"},
                {"PATH"},
                {"RTT", true},
                {"LOSS", true},
                {"MTU", true},
                {"SENT", true},
                {"RECEIVED", true}},
               rows, look);
}

std::string render_details(const control::PeerDetails& details, const Look& look) {
  const PeerStatus& peer = details.peer;
  const Cell state = state_cell(peer.state);
  std::string out = line("peer", shown_name(peer));
  out += line("id", peer.id.to_string());
  std::string addresses;
  for (const IpAddress& address : peer.addresses)
    addresses += (addresses.empty() ? "" : ", ") + address.to_string();
  out += line("addresses", addresses.empty() ? kUnknown : addresses);
  std::string shown_state = coloured(state.text, state.colour, look);
  if (details.seeking_s) shown_state += ", without a path for " + human_seconds(*details.seeking_s);
  out += line("state", shown_state);
  if (peer.reason_text) out += line("reason", printable(*peer.reason_text));
  if (peer.path) out += path_lines(*peer.path);
  if (peer.edge) {
    out += edge_lines(*peer.edge);
    out += line("heard", human_seconds(peer.edge->heard_s) + " ago");
    std::string handshakes = std::to_string(peer.edge->handshakes);
    if (peer.handshake_age_s)
      handshakes += ", the last one " + human_seconds(*peer.handshake_age_s) + " ago";
    out += line("handshakes", handshakes);
    out += line("changes", std::to_string(peer.edge->path_changes) + " of the path");
  }
  if (details.failed_handshakes != 0)
    out += line("failed", std::to_string(details.failed_handshakes) + " handshakes in a row");
  out += line("sent",
              human_bytes(peer.tx_bytes) + " in " + std::to_string(peer.tx_packets) + " packets");
  out += line("received",
              human_bytes(peer.rx_bytes) + " in " + std::to_string(peer.rx_packets) + " packets");
  return out + "\n" + candidate_table(details.candidates, look) + "\n" +
         history_table(details.path_history, look);
}

std::string render_trace(const control::TraceReport& report, const Look& look) {
  std::string out = coloured("from here", kBold, look) + "\n" + render_details(report.here, look) +
                    "\n" + coloured("from there", kBold, look) + "\n";
  if (!report.there) {
    const std::string why = report.failure ? printable(report.failure->text) : "nothing was told";
    return out + "not known: " + why + "\n";
  }
  if (report.there->path)
    out += path_lines(*report.there->path);
  else
    out += line("path", "none");
  if (report.there->edge) out += edge_lines(*report.there->edge);
  return out + "\n" + candidate_table(report.there->candidates, look) + "\n" +
         history_table(report.there->path_history, look);
}

std::string render_ping(const control::PingReport& report, std::uint64_t sequence) {
  const std::string begin =
      shown_name(report.id, report.name) + " " + std::to_string(sequence) + ": ";
  if (report.failure) return begin + printable(report.failure->text) + "\n";
  std::string out = begin + (report.rtt_ms ? human_ms(*report.rtt_ms) : kUnknown);
  if (report.path)
    out += " over " + report.path->remote.to_string() + " (" + word(report.path->kind) + ")";
  return out + "\n";
}

std::string render_top(std::vector<PeerStatus> now, const std::vector<PeerStatus>& before,
                       double seconds, const Look& look) {
  std::erase_if(now, [](const PeerStatus& peer) { return !peer.path; });
  if (now.empty()) return "no edges at present\n";
  const auto order = [&](const PeerStatus& peer) {
    const Rates rates = rates_of(peer, before, seconds);
    return std::tuple(-(rates.tx + rates.rx), shown_name(peer), peer.id);
  };
  std::sort(now.begin(), now.end(),
            [&](const PeerStatus& a, const PeerStatus& b) { return order(a) < order(b); });
  std::vector<Row> rows;
  for (const PeerStatus& peer : now) {
    const EdgeStatus edge = peer.edge.value_or(EdgeStatus{});
    const Rates rates = rates_of(peer, before, seconds);
    rows.push_back({{shown_name(peer)},
                    state_cell(peer.state),
                    {human_rate(rates.tx)},
                    {human_rate(rates.rx)},
                    {rtt_of(*peer.path)},
                    {loss_of(edge), edge.lost > 0 ? kYellow : nullptr},
                    {mtu_of(edge)},
                    {word(peer.path->kind)},
                    {peer.path->remote.to_string()}});
  }
  return table({{"PEER"},
                {"STATE"},
                {"SENT", true},
                {"RECEIVED", true},
                {"RTT", true},
                {"LOSS", true},
                {"MTU", true},
                {"PATH"},
                {"ENDPOINT"}},
               rows, look);
}

std::string top_json(const std::vector<PeerStatus>& now, const std::vector<PeerStatus>& before,
                     double seconds) {
  std::string out = "[";
  for (const PeerStatus& peer : now) {
    const Rates rates = rates_of(peer, before, seconds);
    char text[96];
    std::snprintf(text, sizeof text, R"(","tx_bytes_per_s":%.0f,"rx_bytes_per_s":%.0f})", rates.tx,
                  rates.rx);
    out += (out.size() > 1 ? "," : "") + std::string(R"({"id":")") + peer.id.to_string() + text;
  }
  return out + "]";
}

std::string render_event(const control::Event& event, long utc_offset_s) {
  const auto of_day = ((event.unix_ms / 1000 + utc_offset_s) % 86400 + 86400) % 86400;
  char clock[16];
  std::snprintf(clock, sizeof clock, "%02d:%02d:%02d", static_cast<int>(of_day / 3600),
                static_cast<int>(of_day / 60 % 60), static_cast<int>(of_day % 60));
  const std::string who = event.id ? shown_name(*event.id, event.name) : "";
  const std::string detail = printable(event.detail);
  const std::string where = event.remote ? event.remote->to_string() : "";
  std::string what = printable(event.event) + " " + who + " " + where + " " + detail;
  if (event.event == "peer-up")
    what = who + ": connected over " + where +
           (event.rtt_ms ? " (" + human_ms(*event.rtt_ms) + ")" : "");
  else if (event.event == "peer-down")
    what = who + (event.detail == "goodbye" ? ": said goodbye" : ": does not answer any more");
  else if (event.event == "path-changed")
    what = who + ": path to " + where +
           (event.path_kind ? std::string(" (") + word(*event.path_kind) + ")" : "") +
           ", because " + sentence(event.detail);
  else if (event.event == "path-lost")
    what = who + ": no path any more, because " + sentence(event.detail);
  else if (event.event == "member-heard")
    what = who + ": heard of";
  else if (event.event == "member-left")
    what = who + ": left the network";
  else if (event.event == "bootstrap-up")
    what = "bootstrap " + detail + " answers";
  else if (event.event == "bootstrap-down")
    what = "bootstrap " + detail + " does not answer";
  else if (event.event == "nat")
    what = "our NAT: mapping " + detail + (where.empty() ? "" : ", seen as " + where);
  else if (event.event == "address-conflict")
    what = who + ": claims " + detail + ", which somebody else holds";
  else if (event.event == "twin-identity")
    what = "another machine uses this node's identity";
  return std::string(clock) + " " + what + "\n";
}

}  // namespace meshnode::ctl
