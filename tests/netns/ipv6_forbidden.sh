#!/bin/bash
# IPv6 switched off by sysctl: the mesh's own interface switches it on for itself. Where even that is
# forbidden (c: /proc/sys cannot be written) the node says so and goes on with IPv4.
#
#     a ──┐            disable_ipv6=1 on all three
#     b ──┼── br0
#     c ──┘            and /proc/sys read-only
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

for name in a b c; do
  host "$name"
  inside "$name" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
done
lan --no-ipv6 lan0 a b c
"$meshctl" genkey >"$work/key"

start_node a --lan-only --key "@$work/key" --address 10.99.0.1/24
start_node b --lan-only --key "@$work/key" --address 10.99.0.2/24
wait_for 5 "edge between a and b" edge a b
ping_well a "$(overlay6 b)"
ping_well b "$(overlay6 a)"
check "eth0 was left alone" test "$(inside a cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6)" = 1
check "so was the default" test "$(inside a cat /proc/sys/net/ipv6/conf/default/disable_ipv6)" = 1

say "really forbidden"
# shellcheck disable=SC2016
node_wrapper=(sh -c 'mount --bind /proc/sys /proc/sys &&
  mount -o remount,bind,ro /proc/sys && exec "$@"' sh)
start_node c --lan-only --key "@$work/key" --address 10.99.0.3/24
node_wrapper=()
up c
check "the sysctl is out of its reach" grep -q ' /proc/sys proc ro' "/proc/${pid[c]}/mounts"
refute "mesh0 has no IPv6" test -n "$(inside c ip -6 addr show dev mesh0)"
check "it says so" grep -qi 'ipv6' "$work/c/log"
for other in a b; do
  wait_for 5 "edge between c and $other" edge c "$other"
  ping_well c "$(overlay4 "$other")"
  ping_well "$other" 10.99.0.3
done
