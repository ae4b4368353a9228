#!/bin/bash
# The network comes after the program: b starts with no interface at all, gets a cable without an
# address, then an address, then another one. Duplicate address detection is on, as in real life.
#
#     a 10.61.0.1 ── br0 ─ ─ ─ ─ b
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan --dad lan0 a
host b
start_node a --lan-only
up a
start_node --stdin "$(token_of a)" b --lan-only --key @-
up b
check "b is alone" holds b '.peers == []'

say "a cable, without any address"
attach --no-ipv4 --no-ipv6 b lan0
stays 1 "still alone" holds b '.peers == []'

say "an IPv4 address"
inside b ip addr add 10.61.0.2/24 brd + dev eth0
wait_for 3 "edge between a and b" edge a b
ping_well a "$(overlay6 b)"

say "a second cable, with an address of its own, and the first one is pulled"
attach --dad b lan0
wait_for 3 "it is up" inside b ping -q -c 1 -W 1 -I "$device" 10.61.0.1
inside b ip link set eth0 down
over_second() { holds b '.peers[0].state == "connected" and (.peers[0].path.local
  | startswith("10.61.0.3:") or startswith("[fe80:"))'; }
wait_for 8 "b's path is on the second cable" over_second
wait_for 5 "edge between a and b" edge a b
ping_well a "$(overlay6 b)"
ping_well b "$(overlay6 a)"
