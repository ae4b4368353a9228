#!/bin/bash
# Two LANs with one range, and in each two members of one network, so that everybody's private
# address is also a stranger's elsewhere, of the same network: who has the address of the one sought
# on this LAN is not mistaken for it, though it has all keys that members have.
#
#     c 192.168.77.2 ──┐                 ┌── e 192.168.77.2
#                      ├── gw ─ inet ─ ge ─┤                         gw, ge: port-restricted
#     d 192.168.77.3 ──┘                 └── f 192.168.77.3
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"
# shellcheck source=crowd.sh
. "$lib_dir/crowd.sh"

internet
public_host hub
start_hub
slow_internet 10
declare -A site=([c]=gw [d]=gw [e]=ge [f]=ge) private=()
for gate in gw ge; do gateway port-restricted $gate 192.168.77; done
nodes=(c d e f)
for name in "${nodes[@]}"; do
  behind $name ${site[$name]}
  private[$name]=$address
done
key=$("$meshctl" genkey)
for name in "${nodes[@]}"; do start_node $name --bootstrap "$hub_at" --key "$key" --port $node_port; done
up "${nodes[@]}"
wait_for 10 "all six edges" all_have_paths "${nodes[@]}"

# FROM TO: it sends straight into the LAN where both are, else to the other's router.
expected() {
  if [[ ${site[$1]} == "${site[$2]}" ]]; then
    say "lan ${private[$2]}:$node_port"
  else
    say "direct 11.${gateway_number[${site[$2]}]}.0.2:"
  fi
}
path_is_right() { [[ $(peer "$1" "$2" '"\(.path.kind) \(.path.remote)"') == "$(expected "$1" "$2")"* ]]; }
declare -A inner=()
for name in "${nodes[@]}"; do inner[$name]=$(overlay6 $name); done
check_all() {
  local from to
  for from in "${nodes[@]}"; do
    for to in "${nodes[@]}"; do
      [[ $from != "$to" ]] || continue
      wait_for 5 "$from sends to $to on the right path" path_is_right $from $to
      ping_well $from "${inner[$to]}"
    done
  done
}
check_all

say "also after all of them start again"
for name in "${nodes[@]}"; do stop_node $name KILL; done
for name in "${nodes[@]}"; do start_node $name --bootstrap "$hub_at" --port $node_port; done
up "${nodes[@]}"
wait_for 10 "all six edges" all_have_paths "${nodes[@]}"
check_all

say "also when the one on this LAN is gone: its address is nobody's then"
stop_node d KILL
spawn c "$work/flood" ping -n -q -i 0.02 -c 300 -W 2 "${inner[f]}" </dev/null
wait_for 15 "pings to f are over" ended "$spawned"
check "none of them was lost" test "$(lost_in "$work/flood")" = 0
check "c still sends to f's router" path_is_right c f
