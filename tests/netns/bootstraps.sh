#!/bin/bash
# Every kind of way in: a member with a public address, a stock dhtnode, hubs of which most are dead,
# and different hubs.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

command -v dhtnode >/dev/null || { say "dhtnode is missing: run scripts/setup" >&2; exit 1; }
internet
for name in m hub1 hub2 stock; do
  public_host $name
  declare at_$name="$address:3731"
done
homes a b
key=$("$meshctl" genkey)

say "a member with a public address is the only bootstrap"
start_node m --key "$key" --port 3731
up m
check "nobody else is known to it" holds m '.discovery.bootstraps == []'
for name in a b; do start_node $name --bootstrap "$at_m" --key "$key"; done
wait_for 5 "edge between a and m" edge a m
wait_for 5 "edge between b and m" edge b m
wait_for 5 "edge between a and b" edge a b
check "a knows its reflexive address from m" holds a '.node.reflexive[0] | startswith("11.")'
stop_node m KILL
ping_well a "$(overlay6 b)"
for name in a b; do stop_node $name; done

say "a stock dhtnode is the only bootstrap, and nobody speaks STUN"
mkfifo "$work/dhtnode.in"
exec {silent}<>"$work/dhtnode.in"
spawn stock "$work/dhtnode" dhtnode -n 3731 -p 3731 <"$work/dhtnode.in"
wait_for 5 "dhtnode runs" grep -q 'running on port' "$work/dhtnode"
rm -rf "$work"/[ab]/state
for name in a b; do start_node $name --bootstrap "$at_stock" --key "$key"; done
wait_for 15 "edge between a and b" edge a b
check "a has no reflexive endpoint" holds a '.node.reflexive == []'
ping_well b "$(overlay6 a)"
for name in a b; do stop_node $name; done

say "three bootstraps: a name that does not exist, one that is dead, and a hub"
start_hub --in hub2
rm -rf "$work"/[ab]/state
begin=$(ms)
for name in a b; do
  start_node $name --bootstrap nobody.invalid:3731 --bootstrap "$at_hub1" --bootstrap "$at_hub2" \
    --key "$key"
done
wait_for 3 "edge between a and b" edge a b
say "  edge $(seconds_of $(($(ms) - begin))) after the start"
check "status tells which is up" holds a \
  '[.discovery.bootstraps[].state] == ["down", "down", "up"]'
end "$hub" KILL
ping_well a "$(overlay6 b)"
for name in a b; do stop_node $name; done

say "a hub that comes later: who watches hears of it"
rm -rf "$work"/a/state
start_node a --bootstrap "$at_hub1" --key "$key"
up a
spawn a "$work/events" "$meshctl" --control "$work/a/control.sock" watch --json </dev/null
watcher=$spawned
watching() { [[ -n $(find "/proc/$watcher/fd" -lname "socket:*") ]]; }
wait_for 3 "somebody watches" watching
start_hub --in hub1
heard() { jq -es "any(.[]; $1)" "$work/events"; }
wait_for 15 "the bootstrap answers" heard ".event == \"bootstrap-up\" and .detail == \"$at_hub1\""
wait_for 15 "our NAT is known" heard '.event == "nat" and .detail == "endpoint-independent"
  and (.remote | startswith("11."))'
stop_node a
end "$watcher"
end "$hub" KILL

say "one member on each of two hubs that know each other"
start_hub --in hub1
one=$hub_at
start_hub --in hub2 --bootstrap "$one"
rm -rf "$work"/[ab]/state
start_node a --bootstrap "$one" --key "$key"
start_node b --bootstrap "$hub_at" --key "$key"
wait_for 10 "edge between a and b" edge a b
ping_well a "$(overlay6 b)"
