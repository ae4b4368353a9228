#!/bin/bash
# 10,000 hostile datagrams from a stranger on the LAN: random, mutilated, and exact copies of genuine
# ones, from his own address and in b's name. Nobody answers him, nothing grows, no ping is lost.
#
#     a (the target) ──┐
#     b (its peer)   ──┼── br0 (captured first, for the copies)
#     c (the enemy)  ──┘
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b c
capture lan0 br0 genuine udp
"$meshctl" genkey >"$work/key"
start_node a --lan-only --key "@$work/key"
start_node b --lan-only --key "@$work/key"
wait_for 3 "edge between a and b" edge a b
ping_well b "$(overlay6 a)"
say "b restarts, so that a second handshake and a dead session are among the copies"
stop_node b KILL
start_node b --lan-only
wait_for 5 "edge between a and b" edge a b
ping_well b "$(overlay6 a)"
ping_well a "$(overlay6 b)"
end "$capture_pid" INT

# Counts in c's kernel what a or b send to c and to nobody else, whatever the port.
inside c nft -f - <<NFT
table inet watch {
  counter answers {}
  chain input {
    type filter hook input priority 0
    ether saddr { $(mac a), $(mac b) } meta pkttype host meta l4proto { udp, icmp } counter name answers
    ether saddr { $(mac a), $(mac b) } meta pkttype host icmpv6 type < 128 counter name answers
  }
}
NFT
answered() { inside c nft -j list counters | jq '[.nftables[].counter.packets // 0] | add'; }
attack() {  # COUNT SEED: prints what it did, as JSON
  inside c timeout 60 python3 "$lib_dir/hostile.py" --pcap "$work/genuine.pcap" --device eth0 \
    --target-mac "$(mac a)" --peer-mac "$(mac b)" --target4 "$(address4 a)" \
    --target6 "$(address6 a)" --port "$(js a .node.port)" --count "$1" --rate 2000 --seed "$2"
}

say "warm-up"
seed=${MESHNODE_TEST_SEED:-$((RANDOM * 32768 + RANDOM))}
attack 1000 $((seed + 1))
ping_well b "$(overlay6 a)"
target=${pid[a]} rss=$(rss_kib "${pid[a]}") dropped=$(drops a) lines=$(wc -l <"$work/a/log")

say "the attack, seed $seed (again with MESHNODE_TEST_SEED=$seed)"
spawn b "$work/ping" ping -n -q -i 0.05 -c 160 -W 1 "$(overlay6 a)" </dev/null
attack 10000 "$seed" | tee "$work/result"
wait_for 10 "the pings beside it end" grep -q received "$work/ping"

check "10,000 datagrams were sent" jq -e '.sent == 10000' "$work/result"
dropped=$(($(drops a) - dropped))
# shellcheck disable=SC2016
check "a counted $dropped as dropped, at least nine in ten of the random and mutilated ones" \
  jq -e --argjson dropped "$dropped" '$dropped >= 0.9 * (.random + .mutilated)' "$work/result"
check "the enemy's sockets got no answer" jq -e '.answers == 0' "$work/result"
check "nor did any other port of his: $(answered)" test "$(answered)" = 0
check "no ping beside it was lost" test "$(lost_in "$work/ping")" = 0
check "same process" test "${pid[a]}" = "$target" -a -d "/proc/$target"
check "same peer, and only that one" holds a '(.peers | length) == 1
  and .peers[0].state == "connected" and .peers[0].path.kind == "lan"'
check "its path did not move to the enemy" \
  not grep -qE "$(address4 c)|$(address6 c)" <(peer a b .path.remote)
grown=$(($(rss_kib "$target") - rss))
check "memory grew by $grown KiB, 2048 at most" test "$grown" -le 2048
check "not a log line per datagram" test $(($(wc -l <"$work/a/log") - lines)) -lt 100
