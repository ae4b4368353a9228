#!/bin/bash
# crowded_lan.sh [NODES=30] [SECONDS=0]: as many hosts on one LAN, all started at once with
# --lan-only. How long until each has an edge with each, what does that cost, and what (in SECONDS
# after it) does it cost to keep?
#
#     n1 ── br0 ── n2, n3, ... n30
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=crowd.sh
. "$lib_dir/crowd.sh"

count=${1:-30} idle=${2:-0}
pairs=$((count * (count - 1) / 2))
nodes=()
for ((i = 1; i <= count; ++i)); do nodes+=("n$i"); done
lan lan0 "${nodes[@]}"
"$meshctl" genkey >"$work/key"
begin=$(ms)
for name in "${nodes[@]}"; do start_node "$name" --lan-only --key "@$work/key"; done
wait_for 30 "all have said of all others that they are connected" all_met "${nodes[@]}"
edge_times "$begin" "${nodes[@]}"
check "$edges edges of $pairs" test "$edges" = $pairs
say "  edges: half of them $(seconds_of "$median"), all $(seconds_of "$last") after the first start"
read -r least cpu most <<<"$(spread_of cpu_ms "${nodes[@]}")"
say "  CPU of a node until then: $least to $most ms, median $cpu ms"
wait_for 5 "each has a path to each, now" all_have_paths "${nodes[@]}"
read -r least memory most <<<"$(spread_of rss_kib "${nodes[@]}")"
say "  RSS of a node: $least to $most KiB, median $memory KiB"
check "no node above 25 MB" test "$most" -le 25000
ping_well n1 "$(overlay6 "n$count")"

((idle > 0)) || exit 0
read -r _ before _ <<<"$(spread_of cpu_ms "${nodes[@]}")"
sleep "$idle"
read -r _ cpu _ <<<"$(spread_of cpu_ms "${nodes[@]}")"
read -r _ memory most <<<"$(spread_of rss_kib "${nodes[@]}")"
say "idle for $idle s: $((cpu - before)) ms of CPU, RSS $memory KiB (medians), at most $most KiB"
