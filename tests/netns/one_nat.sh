#!/bin/bash
# Private addresses: two members behind one NAT that does not hairpin use them, two members whose
# LANs have the same range do not fall for a stranger, and IPv6 is used where it exists.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
public_host hub
start_hub
key=$("$meshctl" genkey)
path() { peer "$1" "$2" .path.remote; }  # ONE OTHER: where one sends to

say "two members behind one NAT, no beacons between them"
gateway port-restricted g1
behind a g1
address_a=$address
behind b g1
for name in a b; do
  inside $name nft "add table inet t; add chain inet t in { type filter hook input priority 0; }
    add rule inet t in udp dport 3732 drop"
done
for name in a b; do start_node $name --bootstrap "$hub_at" --key "$key" --port $node_port; done
wait_for 5 "edge between a and b" edge a b
wait_for 3 "b sends to a's address in the LAN" eval '[[ $(path b a) == "$address_a:$node_port" ]]'
check "as a path of the LAN" test "$(peer b a .path.kind)" = lan
ping_well a "$(overlay6 b)"
stop_node a
stop_node b

say "two LANs with one range, and in each a stranger at the other member's address"
for site in c d; do
  gateway port-restricted "g$site" 192.168.77
  behind "first-$site" "g$site"
  behind "second-$site" "g$site"
done
# c is .2 on its LAN, d is .3 on its own; the other address is a stranger's: a node of another mesh.
key=$("$meshctl" genkey)
other=$("$meshctl" genkey)
start_node --in first-c c --bootstrap "$hub_at" --key "$key" --port $node_port
start_node --in second-d d --bootstrap "$hub_at" --key "$key" --port $node_port
start_node --in second-c x --bootstrap "$hub_at" --key "$other" --port $node_port
start_node --in first-d y --bootstrap "$hub_at" --key "$other" --port $node_port
wait_for 8 "edge between c and d" edge c d
check "c sends to d's router" eval '[[ $(path c d) == "11.${gateway_number[gd]}.0.2:"* ]]'
check "d sends to c's router" eval '[[ $(path d c) == "11.${gateway_number[gc]}.0.2:"* ]]'
ping_well first-c "$(overlay6 d)"
wait_for 8 "edge between the strangers" edge x y
check "nobody has met anybody else" test \
  "$(js c '.peers | length')$(js d '.peers | length')$(js x '.peers | length')" = 111
for name in c d x y; do stop_node $name; done

say "IPv6 behind firewalls beside IPv4 behind NATs that do not let each other in"
for name in e f; do
  gateway random g$name
  behind $name g$name
  inside $name sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_dad=0
  n=${gateway_number[g$name]}
  inside inet ip -6 route add "2a00:f$n::/64" via "2a00:$n::2"
  inside g$name ip -6 addr add "2a00:f$n::1/64" dev br0 nodad
  inside $name ip -6 addr add "2a00:f$n::2/64" dev eth0
  inside $name ip -6 route add default via "2a00:f$n::1"
done
hub6=[$(inside hub ip -j -6 addr show dev eth0 scope global | jq -r '.[0].addr_info[0].local')]:3731
for name in e f; do
  start_node $name --bootstrap "$hub_at" --bootstrap "$hub6" --key "$key"
done
wait_for 5 "edge between e and f" edge e f
check "over IPv6" eval '[[ $(path e f) == "[2a00:"* ]]'
ping_well f "$(overlay6 e)"
