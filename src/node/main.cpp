// meshnode: a member of a private network. A small parent keeps the rights (monitor/monitor.h); its
// child, the worker, does the work.
#include <cstdio>

#include <sys/stat.h>
#include <unistd.h>

#include "io/child_program.h"
#include "io/log.h"
#include "monitor/monitor.h"
#include "node/argv.h"
#include "node/host.h"
#include "node/privileges.h"
#include "node/terminal.h"

namespace {

using namespace meshnode;

int complain(const Error& error) {
  std::fputs(node::complaint("meshnode", error).c_str(), stderr);
  return error.exit_code();
}

int work(node::Config config, std::vector<std::string> arguments, const monitor::Link& link,
         monitor::Kept kept) {
  auto host = node::Host::open(std::move(config), std::move(arguments), link, std::move(kept));
  if (!host) return complain(host.error());
  return (*host)->run();
}

// In a process that a monitor started anew.
int work_again(node::Parsed parsed, std::vector<std::string> arguments, const monitor::Link& link) {
  auto* config = std::get_if<node::Config>(&parsed);
  if (config == nullptr) {
    const auto* error = std::get_if<Error>(&parsed);
    link.prepare_failed(error != nullptr ? error->message : "its options ask for no work");
    return 1;
  }
  io::set_log(config->log);
  link.prepared();
  auto kept = link.wait_for_go();
  if (!kept) return 1;
  return work(std::move(*config), std::move(arguments), link, std::move(*kept));
}

monitor::Settings settings_of(const node::Config& config) {
  return {.hooks = config.hooks, .names = {.dns = config.names.dns, .hosts = config.names.hosts}};
}

std::optional<monitor::Settings> settings_now(const std::vector<std::string>& arguments) {
  const auto parsed = node::parse_again(arguments);
  const auto* config = std::get_if<node::Config>(&parsed);
  return config != nullptr ? std::optional(settings_of(*config)) : std::nullopt;
}

int start(node::Config config, std::vector<std::string> arguments) {
  io::set_log(config.log);
  if (const auto allowed = node::check_privileges(config.interface); !allowed)
    return complain(allowed.error());
  if (const auto there = tun::check_available(); !there) return complain(there.error());
  monitor::Program program;
  if (!config.lan_only) {
    auto dht = io::find_program("meshnode-dht", MESHNODE_LIBEXEC);
    if (!dht) return complain(dht.error());
    program.dht_program = std::move(dht).value();
  }
  program.path = monitor::own_path();
  program.arguments = std::move(arguments);
  program.first_work = [&config, arguments = program.arguments](monitor::Channel channel) {
    const monitor::Link link(std::move(channel));
    return work(std::move(config), arguments, link, {});
  };
  program.settings = settings_of(config);
  program.read_settings = [arguments = program.arguments] { return settings_now(arguments); };
  program.forget_secrets = [&config] { config = {}; };
  return monitor::Monitor(std::move(program)).run();
}

}  // namespace

int main(int argc, char** argv) {
  ::umask(077);  // nothing of ours is for others unless a mode says so
  const auto link = monitor::Link::inherited();
  auto arguments = node::without_secrets(argc, argv);
  auto parsed = node::parse(argc, argv, node::machine_surroundings());
  if (link) return work_again(std::move(parsed), std::move(arguments), *link);
  if (const auto* printed = std::get_if<node::Printed>(&parsed)) {
    std::fputs(printed->text.c_str(), stdout);
    return 0;
  }
  if (const auto* error = std::get_if<Error>(&parsed)) return complain(*error);
  return start(std::move(std::get<node::Config>(parsed)), std::move(arguments));
}
