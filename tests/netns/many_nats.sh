#!/bin/bash
# many_nats.sh [RTT-MS=40] [LOSS-PERCENT=0]: twelve members, each behind a router of its own, and one
# hub. How long until all 66 pairs have their edge? The kinds are those of which every pair can meet
# by simultaneous open.
#
#     n1 ── g1 ──┐                      port-restricted (4), linux (3), carrier (2),
#      ...       ├── inet ── hub        restricted, full-cone, firewall
#     n12 ─ g12 ─┘
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"
# shellcheck source=crowd.sh
. "$lib_dir/crowd.sh"

rtt=${1:-40} loss=${2:-0}
kinds=(port-restricted linux carrier restricted port-restricted linux full-cone port-restricted
  carrier firewall linux port-restricted)
count=${#kinds[@]}
pairs=$((count * (count - 1) / 2))

internet
public_host hub
nodes=()
for kind in "${kinds[@]}"; do
  for other in "${kinds[@]}"; do
    [[ $(can_punch "$kind" "$other") == yes ]] || fail "$kind and $other cannot meet"
  done
  nodes+=("n$((${#nodes[@]} + 1))")
  gateway "$kind" "g-${nodes[-1]}"
  behind "${nodes[-1]}" "g-${nodes[-1]}"
done
start_hub
slow_internet $((rtt / 2)) "$loss"

key=$("$meshctl" genkey)
begin=$(ms)
for name in "${nodes[@]}"; do
  start_node "$name" --bootstrap "$hub_at" --key "$key" --port $node_port
done
wait_for 30 "all have said of all others that they are connected" all_met "${nodes[@]}"
edge_times "$begin" "${nodes[@]}"
check "$edges edges of $pairs" test "$edges" = $pairs
say "  edges: half of them $(seconds_of "$median"), all $(seconds_of "$last") after the first start"
wait_for 5 "each has a path to each, now" all_have_paths "${nodes[@]}"

say "every pair carries packets"
declare -A inner=()
for name in "${nodes[@]}"; do inner[$name]=$(overlay6 "$name"); done
lost=0
for a in "${nodes[@]}"; do
  for b in "${nodes[@]}"; do
    [[ $a < $b ]] || continue
    inside "$a" ping -n -q -c 3 -i 0.05 -W 2 "${inner[$b]}" >"$work/pinged" ||
      fail "$a does not reach $b"
    lost=$((lost + $(lost_in "$work/pinged")))
  done
done
say "  $lost of $((3 * pairs)) pings lost"
((loss > 0 || lost == 0)) || fail "pings were lost"
read -r _ memory most <<<"$(spread_of rss_kib "${nodes[@]}")"
say "  node RSS: median $memory KiB, most $most KiB; hub $(rss_kib "$hub") KiB"
check "no node above 25 MB" test "$most" -le 25000
