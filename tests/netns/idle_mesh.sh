#!/bin/bash
# idle_mesh.sh [NODES=24] [SECONDS=120] [BEFORE=60]: as many members, each behind a NAT of
# its own, and a hub; nobody has anything to say. What does a node send and receive meanwhile, both
# ways with IP and UDP headers, by kind, as megabytes a day? Counted from BEFORE seconds after the
# start: the keep-alive of an edge grows for some minutes, to 110 s.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"
# shellcheck source=crowd.sh
. "$lib_dir/crowd.sh"

count=${1:-24} span=${2:-120} before=${3:-60}
internet
public_host hub
nodes=()
for ((i = 1; i <= count; ++i)); do
  gateway port-restricted "g$i"
  behind "n$i" "g$i"
  nodes+=("n$i")
done
start_hub
key=$("$meshctl" genkey)
begin=$(ms)
for name in "${nodes[@]}"; do start_node "$name" --bootstrap "$hub_at" --key "$key"; done
wait_for 60 "all have said of all others that they are connected" all_met "${nodes[@]}"
edge_times "$begin" "${nodes[@]}"
say "  $edges edges: half of them $(seconds_of "$median"), all $(seconds_of "$last") after the start"
sleep "$before"

# NODE: bytes through its interface so far, without Ethernet's headers.
bytes_of() {
  inside "$1" ip -j -s link show dev eth0 | jq '.[0].stats64 | .rx.bytes + .tx.bytes - 14 * (.rx.packets + .tx.packets)'
}
declare -A bytes=() cpu=()
for name in "${nodes[@]}"; do bytes[$name]=$(bytes_of "$name") cpu[$name]=$(cpu_ms "${pid[$name]}"); done
hub_cpu=$(cpu_ms "$hub")
begin=$(ms)
captures=()
for name in n1 n2 n3; do
  capture "$name" eth0 "$name" udp >/dev/null
  captures+=("$capture_pid")
done
sleep "$span"
for one in "${captures[@]}"; do end "$one" INT; done
took=$(($(ms) - begin))
used=() times=()
for name in "${nodes[@]}"; do
  used+=($((($(bytes_of "$name") - bytes[$name]) * 86400 / took)))  # KB a day
  times+=($(($(cpu_ms "${pid[$name]}") - cpu[$name])))
done
for name in "${nodes[@]}"; do
  has_paths "$name" $((count - 1)) || fail "$name has lost an edge"
done
for name in n1 n2 n3; do
  say "$name, by kind:"
  python3 "$lib_dir/traffic.py" "$work/$name.pcap" "$((took / 1000))"
done
read -r least middle most <<<"$(spread "${used[@]}")"
say "all nodes, everything: $least to $most KB a day, median $middle KB"
read -r least middle most <<<"$(spread "${times[@]}")"
say "CPU of a node in $(seconds_of $took): $least to $most ms, median $middle ms;" \
  "hub: $(($(cpu_ms "$hub") - hub_cpu)) ms"
read -r least middle most <<<"$(spread_of rss_kib "${nodes[@]}")"
say "RSS of a node: $least to $most KiB, median $middle KiB; hub: $(rss_kib "$hub") KiB"
