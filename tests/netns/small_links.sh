#!/bin/bash
# Behind links that carry little, with all ICMP filtered, members still find each other by a hub:
# OpenDHT searches no path MTU, so its datagrams may be cut.
#
#     a ── ga ── 576 ──┐          ┌── 1280 ── gb ── b
#                      ├── inet ──┤
#                hub ──┘          └── 1124 ── gc ── c
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
public_host hub
declare -A size=([a]=576 [b]=1280 [c]=1124)
for name in a b c; do
  gateway port-restricted g$name
  inside inet ip link set "to$number" mtu "${size[$name]}"
  inside g$name ip link set eth0 mtu "${size[$name]}"
  behind $name g$name
done
for router in inet ga gb gc; do
  inside $router nft -f - <<'RULES'
table inet mute {
  chain out {
    type filter hook output priority 0
    icmp type destination-unreachable drop
    icmpv6 type { packet-too-big, destination-unreachable } drop
  }
}
RULES
done
start_hub
capture hub eth0 at-hub udp

key=$("$meshctl" genkey)
begin=$(ms)
for name in a b c; do start_node $name --bootstrap "$hub_at" --key "$key"; done
up a b c
for pair in "a b" "a c" "b c"; do
  # shellcheck disable=SC2086
  wait_for 15 "edge between ${pair/ / and }" edge $pair
done
say "  all edges $(seconds_of $(($(ms) - begin))) after the start"
check "what the hub got came in fragments" captured_at_least 3 at-hub 'ip[6:2] & 0x3fff != 0'
for other in b c; do
  check "1,200 bytes to $other" test "$(ping_loss a "$(overlay6 $other)" -c 5 -i 0.05 -s 1200)" = 0
done
