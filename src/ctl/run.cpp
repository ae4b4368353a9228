#include "ctl/run.h"

#include <ostream>
#include <sstream>
#include <thread>

#include "base/log_levels.h"
#include "control/client.h"
#include "control/printable.h"
#include "control/reports_json.h"
#include "control/snapshot_json.h"
#include "crypto/random.h"
#include "ctl/gather_map.h"
#include "ctl/live.h"
#include "ctl/mesh_map.h"
#include "ctl/netcheck.h"
#include "ctl/render_netcheck.h"
#include "ctl/render_peer.h"
#include "ctl/render_why.h"
#include "ctl/table.h"
#include "overlay/network.h"

namespace meshnode::ctl {
namespace {

using control::Method;

// Longer than a monitor waits for a successor to prepare, and for its worker to leave.
constexpr milliseconds kUpgradePatience{15'000};

// The socket is gone for a moment, and then another one.
Status await_daemon(const std::string& socket) {
  constexpr milliseconds kPause{20};
  Error last;
  for (milliseconds waited{0}; waited < kUpgradePatience; waited += kPause) {
    const auto answer = control::ask(socket, Method::id);
    if (answer) return success();
    last = answer.error();
    std::this_thread::sleep_for(kPause);
  }
  return last;
}

Status show_status(const std::string& socket, bool json, const Surroundings& to) {
  const auto answer = control::ask(socket, Method::status);
  if (!answer) return answer.error();
  if (json) {
    to.out << control::pretty(*answer) << '\n';
    return success();
  }
  const auto snapshot = control::from_json(*answer);
  if (!snapshot) return snapshot.error();
  to.out << render_status(*snapshot, to.look);
  return success();
}

Status show_id(const std::string& socket, const Surroundings& to) {
  const auto answer = control::ask(socket, Method::id);
  if (!answer) return answer.error();
  const auto id = control::string_from_json(*answer);
  if (!id) return id.error();
  to.out << control::printable(*id) << '\n';
  return success();
}

Status show_join_line(const std::string& socket, const Surroundings& to) {
  const auto answer = control::ask(socket, Method::join_line);
  if (!answer) return answer.error();
  const auto line = control::join_line_from_json(*answer);
  if (!line) return line.error();
  to.err << "On the other machine run the first line, then paste the second one where it asks: so "
            "the key gets into no shell history.\n";
  to.out << control::printable(line->command) << '\n' << control::printable(line->token) << '\n';
  return success();
}

// The answer to `request`: as it is, or as `render` shows it.
template <typename Parse, typename Render>
Status show(const std::string& socket, const control::Request& request, const Options& options,
            const Surroundings& to, Parse parse, Render render,
            milliseconds patience = control::kClientPatience) {
  const auto answer = control::ask(socket, request, patience);
  if (!answer) return answer.error();
  if (options.json) {
    to.out << control::pretty(*answer) << '\n';
    return success();
  }
  const auto value = parse(*answer);
  if (!value) return value.error();
  to.out << render(*value, to.look);
  return success();
}

// A daemon of another version may know levels or modules that we do not: then as it says.
std::string render_levels(const std::string& text) {
  const auto levels = LogLevels().with(text);
  if (!levels) return control::printable(text) + "\n";
  std::vector<Row> rows;
  for (std::size_t i = 0; i < kLogModules; ++i) {
    const auto module = static_cast<LogModule>(i);
    rows.push_back({{std::string(name(module))}, {std::string(name((*levels)[module]))}});
  }
  return table({{"MODULE"}, {"LEVEL"}}, rows, {});
}

Status show_level(const std::string& socket, const Options& options, const Surroundings& to) {
  const control::Request request{Method::log_level, {}, options.level};
  return show(socket, request, options, to, control::string_from_json,
              [](const std::string& levels, const Look&) { return render_levels(levels); });
}

// With --exec the daemon is another process afterwards: done is when that one answers.
Status reload(const std::string& socket, const Options& options, const Surroundings& to) {
  control::Request request{Method::reload};
  request.exec = options.exec;
  const auto answer =
      control::ask(socket, request, options.exec ? kUpgradePatience : control::kClientPatience);
  if (!answer) return answer.error();
  const auto text = control::reload_text(*answer);
  if (!text) return text.error();
  to.out << (options.json ? control::pretty(*answer) : control::printable(*text)) << '\n';
  return options.exec ? await_daemon(socket) : success();
}

// For programs a trace that was not answered is told, too; the exit code is the same.
Status show_trace(const std::string& socket, const Options& options, const Surroundings& to) {
  const auto answer =
      control::ask(socket, {Method::trace, options.peer}, control::kQuestionPatience);
  if (!answer) return answer.error();
  const auto report = control::trace_from_json(*answer);
  if (!report) return report.error();
  to.out << (options.json ? control::pretty(*answer) + "\n" : render_trace(*report, to.look));
  if (report->there) return success();
  return Error::world("the other side did not tell what it believes");
}

Status show_map(const std::string& socket, const Options& options, const Surroundings& to) {
  const auto map =
      gather_map(socket, [&](const std::string& what) { to.err << what << " …\n"
                                                               << std::flush; });
  if (!map) return map.error();
  to.out << (options.dot    ? map_dot(*map)
             : options.json ? map_json(*map)
                            : render_map(*map, to.look));
  return success();
}

// The exit code, or why there is no answer.
Result<int> explain(const Options& options, const Surroundings& to) {
  const auto socket = find_socket(options, to.run_folder);
  if (!socket) return socket.error();
  const auto answer = control::ask(*socket, {Method::why, options.peer});
  if (!answer) return answer.error();
  const auto explanations = control::explanations_from_json(*answer);
  if (!explanations) return explanations.error();
  to.out << (options.json ? control::pretty(*answer) + "\n"
                          : render_why(*explanations, !options.peer.empty()));
  return exit_code_of(*explanations);
}

// The bootstraps of the running meshnode, where nobody said whom to ask.
Result<std::vector<HostPort>> servers_to_ask(const Options& options, const Surroundings& to) {
  if (!options.servers.empty()) return options.servers;
  const auto socket = find_socket(options, to.run_folder);
  const auto answer = socket ? control::ask(*socket, Method::status) : socket;
  if (!answer)
    return Error::usage("say whom to ask, with --bootstrap HOST:PORT (" + answer.error().message +
                        ")");
  const auto snapshot = control::from_json(*answer);
  if (!snapshot) return snapshot.error();
  std::vector<HostPort> out;
  for (const auto& each : snapshot->discovery.bootstraps)
    if (const auto server = HostPort::parse(each.address)) out.push_back(*server);
  if (out.empty())
    return Error::usage("say whom to ask, with --bootstrap HOST:PORT: this meshnode has none");
  return out;
}

Status netcheck(const Options& options, const Surroundings& to) {
  const auto servers = servers_to_ask(options, to);
  if (!servers) return servers.error();
  const NetcheckWishes wishes{*servers, options.port, seconds(options.lifetime_s)};
  const auto found = check_network(wishes, [&](const std::string& what) {
    to.err << what << " …\n" << std::flush;
  });
  if (!found) return found.error();
  to.out << (options.json ? netcheck_json(*found) + "\n" : render_netcheck(*found, to.look));
  if (found->anybody_answered()) return success();
  return Error::world("no server answers: is the internet there, and UDP let through?");
}

Status make_key(const Surroundings& to) {
  crypto::SystemRandom random;
  overlay::NetworkSecret network;
  network.seed = random.block<16>();
  network.secret = random.secret<32>();
  to.out << overlay::to_token(network) << '\n';
  return success();
}

Status carry_out(const Options& options, const Surroundings& to) {
  if (options.command == Command::genkey) return make_key(to);
  if (options.command == Command::netcheck) return netcheck(options, to);
  const auto socket = find_socket(options, to.run_folder);
  if (!socket) return socket.error();
  switch (options.command) {
    case Command::status:
      return show_status(*socket, options.json, to);
    case Command::id:
      return show_id(*socket, to);
    case Command::join_line:
      return show_join_line(*socket, to);
    case Command::peers:
      return show(*socket, Method::peers, options, to, control::peers_from_json,
                  [](const auto& peers, const Look& look) { return render_peers(peers, look); });
    case Command::peer:
      return show(*socket, {Method::peer, options.peer}, options, to, control::details_from_json,
                  render_details);
    case Command::trace:
      return show_trace(*socket, options, to);
    case Command::ping:
      return ping(*socket, options, to);
    case Command::watch:
      return watch(*socket, options, to);
    case Command::top:
      return top(*socket, options, to);
    case Command::map:
      return show_map(*socket, options, to);
    case Command::log_level:
      return show_level(*socket, options, to);
    case Command::reload:
      return reload(*socket, options, to);
    case Command::genkey:
    case Command::netcheck:
    case Command::why:
      break;
  }
  return success();
}

Result<int> exit_code(const Options& options, const Surroundings& to) {
  if (options.command == Command::why) return explain(options, to);
  const auto done = carry_out(options, to);
  if (!done) return done.error();
  return 0;
}

int complain(const Error& error, const Surroundings& to) {
  // A sentence per line: a configuration can be wrong in several places.
  std::istringstream lines(error.message);
  for (std::string line; std::getline(lines, line);)
    to.err << "meshctl: " << control::printable(line) << '\n';
  return error.exit_code();
}

}  // namespace

int run(int argc, const char* const* argv, const Surroundings& surroundings) {
  const auto parsed = parse(argc, argv);
  if (const auto* error = std::get_if<Error>(&parsed)) return complain(*error, surroundings);
  if (const auto* printed = std::get_if<Printed>(&parsed)) {
    surroundings.out << printed->text;
    return 0;
  }
  const auto done = exit_code(std::get<Options>(parsed), surroundings);
  if (!done) return complain(done.error(), surroundings);
  surroundings.out.flush();
  if (surroundings.out) return *done;
  return complain(Error::world("the output could not be written"), surroundings);
}

}  // namespace meshnode::ctl
