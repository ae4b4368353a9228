#include "ctl/run.h"

#include <ostream>

#include "control/client.h"
#include "control/printable.h"
#include "control/snapshot_json.h"
#include "crypto/random.h"
#include "overlay/network.h"

namespace meshnode::ctl {
namespace {

using control::Method;

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
  const auto socket = find_socket(options, to.run_folder);
  if (!socket) return socket.error();
  switch (options.command) {
    case Command::status:
      return show_status(*socket, options.json, to);
    case Command::id:
      return show_id(*socket, to);
    case Command::join_line:
      return show_join_line(*socket, to);
    case Command::genkey:
      break;
  }
  return success();
}

int complain(const Error& error, const Surroundings& to) {
  to.err << "meshctl: " << control::printable(error.message) << '\n';
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
  const auto done = carry_out(std::get<Options>(parsed), surroundings);
  if (!done) return complain(done.error(), surroundings);
  surroundings.out.flush();
  if (surroundings.out) return 0;
  return complain(Error::world("the output could not be written"), surroundings);
}

}  // namespace meshnode::ctl
