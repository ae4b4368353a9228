#include "ctl/render_netcheck.h"

#include <nlohmann/json.hpp>

#include "control/printable.h"
#include "ctl/units.h"

namespace meshnode::ctl {
namespace {

using control::printable;
using discovery::Dependence;
using discovery::Netcheck;
using Json = nlohmann::ordered_json;

const char* word(Dependence value) {
  switch (value) {
    case Dependence::endpoint_independent:
      return "endpoint-independent";
    case Dependence::address_dependent:
      return "address-dependent";
    case Dependence::address_and_port_dependent:
      return "address-and-port-dependent";
    case Dependence::not_port_dependent:
      return "not-port-dependent";
    case Dependence::dependent:
      return "dependent";
    case Dependence::unknown:
      break;
  }
  return "unknown";
}

double ms_of(Duration time) {
  return std::round(std::chrono::duration<double, std::milli>(time).count() * 1000) / 1000;
}

std::int64_t seconds_in(Duration time) {
  return std::chrono::floor<seconds>(time).count();
}

std::string explained(const char* name) {
  const std::string text = name;
  if (text == "not-port-dependent")
    return text +
           " (whether it depends on the address takes a server with two, or a second server)";
  if (text == "unknown") return "unknown (no server that could tell)";
  return text;
}

std::string yes_or_no(const std::optional<bool>& value) {
  return value ? (*value ? "yes" : "no") : kUnknown;
}

std::string lifetime_text(const Netcheck::Lifetime& lifetime) {
  if (!lifetime.measured) return "unknown (no server that could tell)";
  const std::string alive = std::to_string(seconds_in(lifetime.alive)) + " s";
  if (!lifetime.gone) return "longer than " + alive;
  return "between " + alive + " and " + std::to_string(seconds_in(*lifetime.gone)) + " s";
}

// What it means for edges (RFC 5128 §3.3).
std::string meaning(const Netcheck::Report& report) {
  const bool per_port = report.mapping == Dependence::address_and_port_dependent ||
                        report.mapping == Dependence::address_dependent ||
                        report.mapping == Dependence::dependent;
  if (report.filtering == Dependence::endpoint_independent && !per_port)
    return "everybody can reach this machine";
  if (per_port)
    return "direct edges with those whose router lets in any port of ours; with others it takes a "
           "forwarded port";
  if (report.mapping == Dependence::unknown || report.filtering == Dependence::unknown) return "";
  if (report.filtering != Dependence::address_and_port_dependent)
    return "direct edges with everybody";
  return "direct edges with all but those whose mapping depends on the destination";
}

void add_line(std::string& out, const std::string& key, const std::string& value) {
  out += "  " + key + std::string(key.size() < 18 ? 18 - key.size() : 1, ' ') + value + "\n";
}

std::string family_text(const char* heading, const FamilyFindings& family, const Look& look) {
  std::string out = coloured(heading, kBold, look) + "\n";
  const Netcheck::Report& report = family.report;
  if (!report.translated) {
    const std::string why = !family.address          ? "no address of this machine"
                            : report.servers.empty() ? "not tested: none of the servers has it"
                                                     : "no server answers";
    return out + "  " + why + "\n";
  }
  add_line(out, "seen as", report.mapped.to_string());
  add_line(out, "mapping", *report.translated ? explained(mapping_word(report)) : "none: no NAT");
  add_line(out, "filtering", explained(filtering_word(report)));
  if (*report.translated) {
    add_line(out, "port preserved", yes_or_no(report.port_kept));
    add_line(out, "hairpin", yes_or_no(report.hairpin));
  }
  if (report.lifetime) add_line(out, "mapping lasts", lifetime_text(*report.lifetime));
  if (const std::string means = meaning(report); !means.empty()) add_line(out, "means", means);
  return out;
}

void add_servers(std::vector<Row>& rows, const FamilyFindings& family) {
  for (std::size_t i = 0; i < family.report.servers.size(); ++i) {
    const auto& server = family.report.servers[i];
    rows.push_back({{printable(family.names[i])},
                    {server.at.to_string()},
                    {server.rtt ? "answers" : "silent", server.rtt ? kGreen : kRed},
                    {server.rtt ? human_ms(ms_of(*server.rtt)) : kUnknown},
                    {server.rtt ? server.mapped.to_string() : kUnknown}});
  }
}

void add_servers(Json& out, const FamilyFindings& family) {
  for (std::size_t i = 0; i < family.report.servers.size(); ++i) {
    const auto& server = family.report.servers[i];
    const bool answers = server.rtt.has_value();
    out.push_back({{"name", family.names[i]},
                   {"endpoint", server.at.to_string()},
                   {"answered", answers},
                   {"rtt_ms", answers ? Json(ms_of(*server.rtt)) : Json(nullptr)},
                   {"seen_as", answers ? Json(server.mapped.to_string()) : Json(nullptr)}});
  }
}

Json or_null(const std::optional<bool>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of(const FamilyFindings& family) {
  const Netcheck::Report& report = family.report;
  Json lifetime = nullptr;
  if (report.lifetime && report.lifetime->measured)
    lifetime = {{"alive_s", seconds_in(report.lifetime->alive)},
                {"gone_s",
                 report.lifetime->gone ? Json(seconds_in(*report.lifetime->gone)) : Json(nullptr)}};
  return {
      {"address", family.address},
      {"answered", report.servers.empty() ? Json(nullptr) : Json(report.translated.has_value())},
      {"seen_as", report.translated ? Json(report.mapped.to_string()) : Json(nullptr)},
      {"nat", or_null(report.translated)},
      {"mapping", mapping_word(report)},
      {"filtering", filtering_word(report)},
      {"port_preserved", or_null(report.port_kept)},
      {"hairpin", or_null(report.hairpin)},
      {"lifetime", lifetime}};
}

}  // namespace

const char* mapping_word(const Netcheck::Report& report) {
  return report.translated == false ? "none" : word(report.mapping);
}

const char* filtering_word(const Netcheck::Report& report) {
  return word(report.filtering);
}

std::string render_netcheck(const NetcheckFindings& findings, const Look& look) {
  std::vector<Row> rows;
  add_servers(rows, findings.v4);
  add_servers(rows, findings.v6);
  for (const std::string& name : findings.unresolved)
    rows.push_back({{printable(name)}, {kUnknown}, {"no such name", kRed}, {kUnknown}, {kUnknown}});
  return table({{"SERVER"}, {"ENDPOINT"}, {"STUN"}, {"RTT", true}, {"SEES US AS"}}, rows, look) +
         "\n" + family_text("IPv4", findings.v4, look) + "\n" +
         family_text("IPv6", findings.v6, look);
}

std::string netcheck_json(const NetcheckFindings& findings) {
  Json servers = Json::array();
  add_servers(servers, findings.v4);
  add_servers(servers, findings.v6);
  for (const std::string& name : findings.unresolved)
    servers.push_back({{"name", name},
                       {"endpoint", nullptr},
                       {"answered", false},
                       {"rtt_ms", nullptr},
                       {"seen_as", nullptr}});
  const Json out = {{"udp", findings.anybody_answered()},
                    {"servers", servers},
                    {"ipv4", json_of(findings.v4)},
                    {"ipv6", json_of(findings.v6)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace meshnode::ctl
