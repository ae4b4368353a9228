// Host: names of members.
#include "io/clock.h"
#include "io/log.h"
#include "node/host.h"

namespace meshnode::node {

// A machine without names is no reason not to start.
Status Host::open_names() {
  names_ = std::make_unique<NameService>(core_->engine().address(),
                                         overlay::overlay_prefix(network_.secret.id()));
  auto kept = kept_.take(monitor::Slot::names);
  if (!config_.names.dns) return success();
  if (auto listening = names_->listen(std::move(kept)); !listening)
    config_.notices.push_back(listening.error().message);
  else
    link_.keep(monitor::Slot::names, names_->fd());
  return success();
}

void Host::start_names() {
  if (names_->fd() >= 0)
    loop_.watch_readable(names_->fd(), [this] { names_->answer(interfaces_, drops_); });
  link_.names_at(names_->port());
  look_at_names(io::read_clocks().mono);
}

void Host::look_at_names(TimePoint now) {
  const std::uint64_t version = core_->engine().members_version();
  if (!names_->due(now, version)) return;
  std::vector<names::Member> members{{core_->engine().id(), config_.name, own_addresses(), false}};
  for (overlay::KnownMember& known : core_->engine().members())
    members.push_back({known.id, std::move(known.name), std::move(known.addresses), known.gone});
  if (!names_->update(now, version, std::move(members))) return;
  if (const std::string news = names_->take_news(); !news.empty())
    say(LogModule::overlay, LogLevel::warn, {io::plain(news)});
  tell_hosts_file();
}

void Host::tell_hosts_file() {
  if (config_.names.hosts) link_.hosts(names_->hosts_lines());
}

control::NamesStatus Host::names_status() const {
  control::NamesStatus out;
  if (names_->port() != 0) out.server = Endpoint{core_->engine().address(), names_->port()};
  out.hosts = config_.names.hosts;
  for (const names::Conflict& each : names_->table().conflicts()) {
    if (out.conflicts.size() == control::NamesStatus::kMostConflicts) break;
    out.conflicts.push_back(sentence(each));
  }
  return out;
}

}  // namespace meshnode::node
