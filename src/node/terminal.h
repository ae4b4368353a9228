// The first minute on a terminal: what the program says to the person who started it, line by line.
// Pure formatters; the caller prints them only where is_terminal() says so. What holds a join line
// is a secret: never into a log.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/result.h"
#include "control/protocol.h"
#include "io/log_line.h"
#include "node/config.h"
#include "overlay/network.h"
#include "wire/record.h"

namespace meshnode::node {

bool is_terminal(int fd);

// When alone() is due: this long after the start, with no other member proven so far.
inline constexpr seconds kAloneAfter{15};

// How another machine joins. The key is pasted, not typed behind the command: so it gets into no
// shell history and no process list.
control::JoinLine join_line(const Config& config, const overlay::NetworkSecret& network);

// Interface and addresses, what is waited for, and (where `join` is given) what to do on the other
// machine. Lines without newlines.
std::vector<io::LogLine> started(const std::string& interface,
                                 const std::vector<IpAddress>& addresses,
                                 const std::string& fingerprint, const control::JoinLine* join);

// "beta connected directly in 0.31 s (0.4 ms)". `name` is untrusted; a zero `rtt` is left out.
io::LogLine connected(const std::string& name, Duration after, Duration rtt);

// "hub up, 12 ms; your NAT: endpoint-independent mapping". Without an RTT nothing there speaks
// STUN.
std::string hub_up(std::optional<Duration> rtt, wire::NatMapping nat);

// "nobody else in this network yet: same fingerprint 7f3a-91c2 there?"
std::string alone(const std::string& fingerprint);

// "meshnode: SENTENCE\n" for each line of the message: what goes to stderr before the exit code.
std::string complaint(const std::string& program, const Error& error);

}  // namespace meshnode::node
