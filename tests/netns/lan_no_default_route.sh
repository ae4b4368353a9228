#!/bin/bash
# A LAN without a router: IPv4 only, no default route (255.255.255.255 is unreachable there, so only
# the interface's own broadcast address works).
#
#     a 10.61.0.1/24 ── br0 ── b 10.61.0.2/24
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan --no-default-route --no-ipv6 lan0 a b
refute "a has no default route" grep -q default <(inside a ip route)
refute "a has no IPv6 on the LAN" address6 a

start_node a --lan-only
up a
start_node --stdin "$(token_of a)" b --lan-only --key @-
wait_for 3 "edge between a and b" edge a b
for name in a b; do
  check "$name: path over IPv4, on the LAN" holds "$name" '.peers[0].path
    | .kind == "lan" and (.local | startswith("10.61.0.")) and (.remote | startswith("10.61.0."))'
done
ping_well a "$(overlay6 b)"
ping_well b "$(overlay6 a)"
