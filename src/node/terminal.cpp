#include "node/terminal.h"

#include <cstdio>

#include <unistd.h>

#include "control/printable.h"

namespace meshnode::node {

using io::plain;

namespace {

double in_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

std::string number(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

}  // namespace

bool is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

control::JoinLine join_line(const Config& config, const overlay::NetworkSecret& network) {
  std::string command = config.lan_only ? "sudo meshnode --lan-only" : "sudo meshnode";
  for (const HostPort& bootstrap : config.bootstraps)
    command += " --bootstrap " + bootstrap.to_string();
  if (config.dht_network != Config{}.dht_network)
    command += " --dht-network " + std::to_string(config.dht_network);
  if (config.lan_port != Config{}.lan_port)
    command += " --lan-port " + std::to_string(config.lan_port);
  return {command + " --key @-", overlay::to_token(network)};
}

std::vector<io::LogLine> started(const std::string& interface,
                                 const std::vector<IpAddress>& addresses,
                                 const std::string& fingerprint, const control::JoinLine* join) {
  io::LogLine up{plain(interface), " is up: "};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (i > 0) up.add(", ");
    up.add(addresses[i]);
  }
  std::vector<io::LogLine> lines{
      std::move(up), {"network ", plain(fingerprint), ", waiting for its other members"}};
  if (join != nullptr) {
    lines.push_back({"on the other machine run:       ", plain(join->command)});
    lines.push_back({"and paste where it asks for it: ", plain(join->token)});
  }
  return lines;
}

io::LogLine connected(const std::string& name, Duration after, Duration rtt) {
  const int decimals =
      after < milliseconds(100) ? 3 : 2;  // on a LAN it is a matter of milliseconds
  std::string took = number(in_seconds(after), decimals) + " s";
  if (rtt > Duration::zero()) took += " (" + number(in_seconds(rtt) * 1000, 1) + " ms)";
  return {io::as("peer", plain(control::printable(name))), " connected directly in ",
          io::figure(std::move(took))};
}

std::string hub_up(std::optional<Duration> rtt, wire::NatMapping nat) {
  std::string out = "hub up";
  if (rtt) out += ", " + number(in_seconds(*rtt) * 1000, *rtt < milliseconds(10) ? 1 : 0) + " ms";
  switch (nat) {
    case wire::NatMapping::unknown:
      return out;
    case wire::NatMapping::none:
      return out + "; no NAT here";
    case wire::NatMapping::endpoint_independent:
      return out + "; your NAT: endpoint-independent mapping";
    case wire::NatMapping::dependent:
      return out + "; your NAT: mapping depends on the destination (symmetric)";
  }
  return out;
}

std::string alone(const std::string& fingerprint) {
  return "nobody else in this network yet: same fingerprint " + fingerprint + " there?";
}

std::string complaint(const std::string& program, const Error& error) {
  std::string out;
  std::string_view rest = error.message;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    out += program + ": " + control::printable(rest.substr(0, end)) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace meshnode::node
