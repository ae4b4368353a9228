// meshctl from the command line to the exit code: 0, 1 for the world, 2 for what typing something
// else would fix; of `why` also 3 to 5 (render_why.h).
#pragma once

#include <iosfwd>
#include <string>

#include "ctl/find_socket.h"
#include "ctl/render.h"

namespace meshnode::ctl {

struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  Look look;
  std::string run_folder = kRunFolder;
};

int run(int argc, const char* const* argv, const Surroundings& surroundings);

}  // namespace meshnode::ctl
