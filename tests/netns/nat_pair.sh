#!/bin/bash
# Two members behind home routers of the usual kind meet through a hub, punch, and outlive it; the
# hub comes back empty, and a third member finds them through it.
#
#     alphabetical ── ga ──┐          ┌── gb ── betatester      ga, gb, gc: EI mapping, APD filtering
#                          └── inet ──┤
#                      hub ──┘        └── gc ── c
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

a=alphabetical b=betatester
internet
public_host hub
for name in a b c; do gateway port-restricted g$name; done
behind $a ga
behind $b gb
behind c gc
start_hub
capture hub eth0 at-hub udp
at_hub=$capture_pid
capture inet any wire udp
wire=$capture_pid

say "a pair through the hub"
key=$("$meshctl" genkey)
begin=$(ms)
start_node $a --bootstrap "$hub_at" --key "$key" --address 10.99.0.1/24
start_node $b --bootstrap "$hub_at" --key "$key" --address 10.99.0.2/24
up $a $b
wait_for 5 "edge between a and b" edge $a $b
say "  edge $(seconds_of $(($(ms) - begin))) after the start"
ping_well $a "$(overlay6 $b)"
ping_well $b "$(overlay4 $a)"
for name in $a $b; do
  wrong=$(status $name | jq -r -f "$lib_dir/status_shape.jq") || fail "status of $name: $wrong"
  [[ -z $wrong ]] || fail "status of $name is not as specified: $wrong"
  check "$name: direct, the hub is up, the reflexive endpoint is known" holds $name \
    '.discovery.mode == "dht" and .discovery.dht.state == "connected"
     and .discovery.bootstraps[0].state == "up" and .peers[0].path.kind == "direct"
     and (.node.reflexive[0] | startswith("11."))'
  wait_for 3 "$name tells of hub and NAT" \
    grep -qE 'hub up, [0-9.]+ ms; your NAT: endpoint-independent mapping' "$work/$name/log"
done

say "what the wire shows"
check "pings with a pattern" \
  test "$(ping_loss $a "$(overlay6 $b)" -c 5 -i 0.05 -s 400 -p 6d6573686e6f6465)" = 0
id_a=$(id_of $a)
id_b=$(id_of $b)
end "$wire" INT
end "$at_hub" INT
check "the hub has seen no datagram of ours" \
  test "$(python3 "$lib_dir/no_traces.py" --ours "$work/at-hub.pcap")" = 0
refute "the wire has" test "$(python3 "$lib_dir/no_traces.py" --ours "$work/wire.pcap")" = 0
for pcap in at-hub wire; do
  python3 "$lib_dir/no_traces.py" "$work/$pcap.pcap" meshnodemeshnode $a $b "$id_a" "$id_b" \
    "${id_a:0:8}" mesh1 || fail "capture $pcap"
done

say "what a stranger is told"
public_host stranger
inside stranger python3 "$lib_dir/dht_find.py" "${hub_at%:*}" 3731 >"$work/found" || fail "no answer"
check "the hub names nobody" test "$(wc -l <"$work/found")" = 1
refute "a member does not even answer" inside stranger python3 "$lib_dir/dht_find.py" \
  "11.${gateway_number[ga]}.0.2" "$(js $a .node.port)"

say "the hub dies"
flood() {  # FROM ADDRESS: 600 pings in 6 s
  spawn "$1" "$work/flood-$1" ping -n -q -i 0.01 -c 600 -W 2 "$2" </dev/null
}
flood $a "$(overlay6 $b)"
flood_a=$spawned
flood $b "$(overlay4 $a)"
flood_b=$spawned
sleep 1
end "$hub" KILL
for one in "$flood_a" "$flood_b"; do wait_for 15 "the flood is over" ended "$one"; done
check "no ping from a was lost" test "$(lost_in "$work/flood-$a")" = 0
check "no ping from b was lost" test "$(lost_in "$work/flood-$b")" = 0
check "the edge is there" edge $a $b

say "and comes back at once, with nothing in its store: only its start id tells"
start_hub
start_node c --bootstrap "$hub_at" --key "$key"
up c
wait_for 35 "c finds a" edge c $a
wait_for 5 "and b" edge c $b
