#!/bin/bash
# Every bootstrap is dead for good. A member that restarts finds the others again by what it and they
# remember, be it killed or stopped, also when all are behind port-restricted NATs.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
public_host hub
homes a b c
start_hub
key=$("$meshctl" genkey)
options=(--bootstrap "$hub_at")
n=0
for name in a b c; do
  start_node $name "${options[@]}" --key "$key" --address "10.99.0.$((++n))/24"
done
for pair in "a b" "a c" "b c"; do wait_for 5 "edge ${pair/ / - }" edge $pair; done
end "$hub" KILL
remembers() { jq -e '.content.members | length == 2' "$work/$1/state/members"; }
for name in a b c; do wait_for 25 "$name has stored what it knows" remembers $name; done

say "killed, and started again"
stop_node a KILL
start_node a "${options[@]}"
wait_for 10 "edge a - b" edge a b
wait_for 10 "edge a - c" edge a c
check "an address of b's own choice is remembered, too" \
  test "$(peer a b '.addresses | contains(["10.99.0.2"])')" = true

say "stopped, and started after the NATs have forgotten"
stop_node a
for name in a b c; do flush_mappings g$name; done
start_node a "${options[@]}"
wait_for 12 "edge a - b" edge a b
wait_for 12 "edge a - c" edge a c
ping_well a "$(overlay6 b)"

say "all of them"
for name in a b c; do stop_node $name KILL; done
for name in a b c; do start_node $name "${options[@]}"; done
for pair in "a b" "a c" "b c"; do wait_for 12 "edge ${pair/ / - }" edge $pair; done

say "damaged"
stop_node a
sed -i 's/"seen_ms": [0-9]*/"seen_ms": 7/' "$work/a/state/members"
start_node a "${options[@]}"
up a
check "it says so" grep -q 'members was damaged and is kept as' "$work/a/log"
check "and keeps it" test -f "$work/a/state/members.damaged-1"
