#!/bin/bash
# Two hosts on a cable, nothing configured at all: only the link-local IPv6 addresses that every
# interface gives itself.
#
#     a fe80::… ── br0 ── b fe80::…
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan --no-ipv4 lan0 a b
refute "a has no IPv4 address" address4 a

start_node a --lan-only
up a
start_node --stdin "$(token_of a)" b --lan-only --key @-
wait_for 3 "edge between a and b" edge a b
for name in a b; do
  check "$name: path between link-local addresses" holds "$name" '.peers[0].path
    | .kind == "lan" and (.local | startswith("[fe80:")) and (.remote | startswith("[fe80:"))'
done
ping_well a "$(overlay6 b)"
ping_well b "$(overlay6 a)"
# 1420 inside + 32 + 48 outside fills 1500 exactly: padding must not push it over.
check "a packet as large as the interface allows passes" \
  inside a ping -q -c 3 -i 0.1 -W 1 -M "do" -s 1372 "$(overlay6 b)"
