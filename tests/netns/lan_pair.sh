#!/bin/bash
# Two hosts of one LAN, no configuration: the first node makes the network, its join line brings the
# second one in. Then the same with a key made beforehand.
#
#     a ── eth0 ──┐         ┌── eth0 ── b          mesh0 on both: fd…/48 and 10.99.0.1, .2
#                 └── br0 ──┘
#                    lan0, captured
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b
capture lan0 br0 wire udp

start_node a --lan-only --address 10.99.0.1/24
up a
token=$(token_of a) || fail "meshctl join-line holds no token"
start_node --stdin "$token" b --lan-only --key @- --address 10.99.0.2/24
wait_for 3 "edge between a and b" edge a b
check "one network" test "$(js a .node.network)" = "$(js b .node.network)"

for pair in a:b b:a; do
  ping_well "${pair%:*}" "$(overlay6 "${pair#*:}")"
  ping_well "${pair%:*}" "$(overlay4 "${pair#*:}")"
done
check "IPv4 claims are the addresses" \
  test "$(overlay4 a) $(overlay4 b)" = "10.99.0.1 10.99.0.2"
check "a packet as large as the interface allows passes" \
  inside a ping -q -c 3 -i 0.1 -W 1 -M "do" -s 1372 "$(overlay6 b)"
for nobody in 10.99.0.77 "$(overlay6 a | cut -d: -f1-3)::77"; do
  check "who asks for $nobody hears that there is none" \
    grep -qi unreachable <(inside a ping -n -c 1 -W 1 "$nobody" || true)
done
check "the interface has the address that status shows" \
  test -n "$(inside a ip -6 addr show dev mesh0 to "$(overlay6 a)")"
check "the interface's MTU is 1420" test "$(inside a cat /sys/class/net/mesh0/mtu)" = 1420

say "status --json"
for name in a b; do
  wrong=$(status "$name" | jq -r -f "$lib_dir/status_shape.jq") || fail "status of $name: $wrong"
  [[ -z $wrong ]] || fail "status of $name is not as specified: $wrong"
  check "$name: direct over the LAN, LAN only" holds "$name" '.discovery.mode == "lan-only"
    and .discovery.dht == null and (.peers | length) == 1 and .peers[0].path.kind == "lan"'
  check "$name: counts what passed" \
    holds "$name" '.peers[0] | .tx_packets >= 20 and .rx_packets >= 20 and .rx_bytes >= 2000'
done
check "each knows the other by name" test "$(peer a b .name) $(peer b a .name)" = "b a"
check "a sees b's claimed and own address" \
  test "$(peer a b '.addresses | sort | map(split("/")[0]) | join(" ")')" = \
  "$(js b '.node.addresses | sort | map(split("/")[0]) | join(" ")')"
check "status for people names the peer" grep -q '\bb\b' <(ctl a status)

say "what the wire shows: 'meshnode' in each inner byte, none outside"
pattern=6d6573686e6f6465
wire_pid=$capture_pid
capture a mesh0 plain
check "pings with a pattern" test "$(ping_loss a "$(overlay6 b)" -c 5 -i 0.05 -s 400 -p $pattern)" = 0
wait_for 2 "they were captured inside" captured_at_least 10 plain icmp6
end "$capture_pid" INT
end "$wire_pid" INT
check "the capture inside shows the pattern" grep -qa meshnodemeshnode "$work/plain.pcap"
check "the capture outside saw the datagrams" captured_at_least 80 wire
refute "the capture outside shows no pattern" grep -qa meshnode "$work/wire.pcap"

say "a key made beforehand"
stop_node a
check "SIGTERM: exit 0" test "$exit_code" = 0
stop_node b
"$meshctl" genkey >"$work/key"
start_node --in a c --lan-only --key "$(<"$work/key")"
start_node --in b d --lan-only --key "@$work/key"
wait_for 3 "edge between c and d" edge c d
ping_well a "$(overlay6 d)"
ping_well b "$(overlay6 c)"
check "meshctl id is the node's id" grep -q "$(id_of c)" <(ctl c id)
