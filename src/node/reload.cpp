#include "node/reload.h"

#include "control/protocol.h"

namespace meshnode::node {
namespace {

// One option: do the two differ in it, and where it is live, how it is taken over.
struct Difference {
  const char* name;
  bool (*differs)(const Config&, const Config&);
  void (*take)(Config&, const Config&);  // null: not live
};

#define MESH_LIVE(name, field)                                                    \
  Difference {                                                                    \
    name, [](const Config& a, const Config& b) { return !(a.field == b.field); }, \
        [](Config& to, const Config& from) { to.field = from.field; }             \
  }
#define MESH_FIXED(name, field)                                                           \
  Difference {                                                                            \
    name, [](const Config& a, const Config& b) { return !(a.field == b.field); }, nullptr \
  }

// A key is asked for only where there is one: a later start goes on from the state folder.
bool other_key(const Config& now, const Config& wanted) {
  return wanted.key && now.key && !(*wanted.key == *now.key);
}

constexpr Difference kDifferences[] = {
    {"key", &other_key, nullptr},
    MESH_FIXED("lan-only", lan_only),
    MESH_LIVE("bootstrap", bootstraps),
    MESH_LIVE("serve-dht", serve_dht),
    MESH_FIXED("edges", full_mesh),
    MESH_FIXED("share-map", share_map),
    MESH_FIXED("name", name),
    MESH_FIXED("address", addresses),
    MESH_FIXED("interface", interface),
    MESH_FIXED("mtu", mtu),
    MESH_FIXED("port", port),
    MESH_FIXED("lan-port", lan_port),
    MESH_FIXED("dht-network", dht_network),
    MESH_LIVE("stun", stuns),
    MESH_FIXED("state-dir", state_dir),
    MESH_FIXED("control", control),
    MESH_LIVE("log-level", log.levels),
    MESH_LIVE("log.format", log.format),
    MESH_LIVE("log.addresses", log.addresses),
    MESH_FIXED("metrics.listen", metrics),
    MESH_FIXED("data_plane.tun_offloads", data_plane.tun_offloads),
    MESH_FIXED("data_plane.tun_tcp_coalescing", data_plane.tun_tcp_coalescing),
    MESH_FIXED("data_plane.tun_udp_coalescing", data_plane.tun_udp_coalescing),
    MESH_FIXED("data_plane.udp_gso", data_plane.udp_gso),
    MESH_FIXED("data_plane.udp_gro", data_plane.udp_gro),
    MESH_FIXED("data_plane.ipsec_mb", data_plane.ipsec_mb),
    MESH_LIVE("data_plane.copy_dscp", data_plane.copy_dscp),
    MESH_FIXED("data_plane.threads", data_plane.threads),
    MESH_FIXED("names.dns", names.dns),
    MESH_LIVE("names.hosts", names.hosts),
    MESH_LIVE("hooks", hooks),
};

#undef MESH_LIVE
#undef MESH_FIXED

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string json_list(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words)
    out += (out.empty() ? "" : ",") + control::to_json_string(word);
  return "[" + out + "]";
}

}  // namespace

ReloadPlan plan_reload(const Config& now, const Config& wanted) {
  ReloadPlan out;
  for (const Difference& each : kDifferences)
    if (each.differs(now, wanted))
      (each.take != nullptr ? out.live : out.restart).emplace_back(each.name);
  return out;
}

void take_live(Config& now, const Config& wanted) {
  for (const Difference& each : kDifferences)
    if (each.take != nullptr) each.take(now, wanted);
}

std::string sentence(const ReloadPlan& plan) {
  if (plan.live.empty() && plan.restart.empty()) return "nothing has changed";
  std::string out;
  if (!plan.live.empty()) out = "applied: " + joined(plan.live);
  if (!plan.restart.empty())
    out += (out.empty() ? "" : "; ") +
           ("takes effect with a new worker (meshctl reload --exec): " + joined(plan.restart));
  return out;
}

std::string to_json(const ReloadPlan& plan) {
  return "{\"applied\":" + json_list(plan.live) + ",\"needs_exec\":" + json_list(plan.restart) +
         ",\"text\":" + control::to_json_string(sentence(plan)) + "}";
}

}  // namespace meshnode::node
