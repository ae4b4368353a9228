#!/bin/bash
# Three hubs die one after the other under pings on every edge: none is lost. Then, with no hub left,
# one member starts cold, and somebody who was never there joins through a member.
#
#     hub1, hub2, hub3 ──┐           ┌── p   (a member with a public address)
#                        ├── inet ───┤
#     a ── ga, b ── gb ──┘           └── gc ── c, gn ── n      (port-restricted)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"
# shellcheck source=crowd.sh
. "$lib_dir/crowd.sh"

internet
bootstraps=() hubs=()
for name in hub1 hub2 hub3; do
  public_host $name
  start_hub --in $name "${bootstraps[@]}"
  bootstraps+=(--bootstrap "$hub_at")
  hubs+=("$hub")
done
public_host p
at_p=$address:3731
homes a b c n
slow_internet 10
nodes=(p a b c)
key=$("$meshctl" genkey)
start_node p "${bootstraps[@]}" --key "$key" --port 3731
for name in a b c; do start_node $name "${bootstraps[@]}" --key "$key"; done
up "${nodes[@]}"
wait_for 15 "all six edges" all_have_paths "${nodes[@]}"
declare -A inner=()
for name in "${nodes[@]}"; do inner[$name]=$(overlay6 "$name"); done

say "hub after hub is killed under pings on every edge, both ways"
count=600
floods=()
for from in "${nodes[@]}"; do
  for to in "${nodes[@]}"; do
    [[ $from != "$to" ]] || continue
    spawn "$from" "$work/flood-$from-$to" \
      ping -n -q -i 0.02 -c $count -W 2 "${inner[$to]}" </dev/null
    floods+=("$spawned")
  done
done
for hub in "${hubs[@]}"; do
  sleep 2
  end "$hub" KILL
done
for flood in "${floods[@]}"; do wait_for 30 "pings are over" ended "$flood" >/dev/null; done
none_lost $count
say "  0 of $((count * ${#floods[@]})) pings lost on ${#floods[@]} ways"

say "a member starts cold"
stop_node a KILL
begin=$(ms)
start_node a "${bootstraps[@]}"
wait_for 10 "all edges again" all_have_paths "${nodes[@]}"
say "  $(seconds_of $(($(ms) - begin))) after its start"
ping_well a "${inner[b]}"

say "its router has forgotten everything, too"
stop_node a KILL
flush_mappings ga
begin=$(ms)
start_node a "${bootstraps[@]}"
wait_for 12 "all edges again" all_have_paths "${nodes[@]}"
say "  $(seconds_of $(($(ms) - begin))) after its start"
ping_well a "${inner[c]}"

say "somebody new, who is told of a member and of the hubs that are dead"
begin=$(ms)
start_node n --bootstrap "$at_p" "${bootstraps[@]}" --key "$key"
up n
wait_for 10 "edges with all" all_have_paths "${nodes[@]}" n
say "  $(seconds_of $(($(ms) - begin))) after its start"
for name in "${nodes[@]}"; do ping_well n "${inner[$name]}"; done
