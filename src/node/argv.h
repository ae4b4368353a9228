// Secrets on the command line are readable by every user of the machine (ps) until they are
// overwritten.
#pragma once

#include <string>
#include <vector>

namespace meshnode::node {

// Overwrites in place the values of --key and --seed ("--key V" and "--key=V") and whatever else
// looks like a join token with '*'. "@FILE" and "@-" stay: they are no secrets.
void wipe_secrets(int argc, char** argv);

// What a later start on the same state gets: without --key, --seed and whatever looks like a join
// token; the state directory knows the network by then.
std::vector<std::string> without_secrets(int argc, const char* const* argv);

}  // namespace meshnode::node
