// Secrets on the command line are readable by every user of the machine (ps) until they are
// overwritten.
#pragma once

namespace meshnode::node {

// Overwrites in place the values of --key and --seed ("--key V" and "--key=V") and whatever else
// looks like a join token with '*'. "@FILE" and "@-" stay: they are no secrets.
void wipe_secrets(int argc, char** argv);

}  // namespace meshnode::node
