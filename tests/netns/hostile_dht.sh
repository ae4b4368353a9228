#!/bin/bash
# 10,000 hostile datagrams from a stranger on the Internet to a member that uses a hub, at its public
# endpoint: what ends a bare OpenDHT, damaged requests, STUN, noise, and copies of genuine datagrams,
# also in the hub's name. The member stays, answers none of it, and loses no ping; likewise a member
# that serves, except that it answers honest questions.
#
#     a (client), s (serves), b (their peer), hub, enemy: all with public addresses
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
for name in hub a s b enemy; do public_host $name; declare at_$name="$address"; done
start_hub
capture inet any genuine udp
key=$("$meshctl" genkey)
start_node a --bootstrap "$hub_at" --key "$key" --port $node_port --serve-dht off
start_node s --bootstrap "$hub_at" --key "$key" --port $node_port --serve-dht on
start_node b --bootstrap "$hub_at" --key "$key" --port $node_port
for name in a s; do
  wait_for 5 "edge between $name and b" edge $name b
  ping_well b "$(overlay6 $name)"
  wait_for 3 "$name tells of its hub" grep -q 'hub up' "$work/$name/log"
done
end "$capture_pid" INT

inside enemy nft -f - <<NFT
table inet watch {
  counter from_a {}
  chain input {
    type filter hook input priority 0
    ip saddr $at_a counter name from_a
  }
}
NFT
answers() { inside enemy nft -j list counters | jq '[.nftables[].counter.packets // 0] | add'; }
# TARGET: killers and mutations, then what was captured, as it was and damaged, also as if from the
# hub: 10,000 in all.
attack() {
  inside enemy timeout 60 python3 "$lib_dir/hub_killers.py" "$1" $node_port 6000 "$RANDOM"
  inside enemy timeout 60 python3 "$lib_dir/replay.py" "$work/genuine.pcap" "$1" $node_port 4000 \
    "${hub_at%:*}" 3731 "$RANDOM"
}
for name in a s; do
  say "the attack on $name"
  at=at_$name
  target=${pid[$name]} rss=$(rss_kib "${pid[$name]}") dropped=$(drops $name)
  lines=$(wc -l <"$work/$name/log")
  spawn b "$work/ping-$name" ping -n -q -i 0.05 -c 200 -W 1 "$(overlay6 $name)" </dev/null
  attack "${!at}" || fail "the sender"
  wait_for 20 "the pings beside it end" grep -q received "$work/ping-$name"
  check "no ping was lost" test "$(lost_in "$work/ping-$name")" = 0
  check "the same process" test "$target" = "${pid[$name]}" -a -d "/proc/$target"
  grown=$(($(rss_kib "$target") - rss))
  check "memory: +$grown KiB, at most 3 MiB" test "$grown" -le 3072
  check "not a line in its log" test "$(wc -l <"$work/$name/log")" = "$lines"
  dropped=$(($(drops $name) - dropped))
  check "it counted $dropped drops" test "$dropped" -ge 6000
  check "the edge is there" edge $name b
done
check "a answered nothing" test "$(answers)" = 0
check "the hub is alive" inside b timeout 5 python3 "$lib_dir/hub_stun.py" 3731 3733 "${hub_at%:*}"
