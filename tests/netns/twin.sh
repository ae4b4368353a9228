#!/bin/bash
# A state folder is copied to another machine: one identity runs twice. Both users are told, and the
# other members stay with one of the two instead of going to and fro.
#
#     a ── ga, c ── gc ──┐                           b2 starts from a copy of b's state folder
#                        ├── inet ── hub
#     b ── gb, b2 ─ gb2 ─┘
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
public_host hub
start_hub
homes a b c b2
slow_internet 10
key=$("$meshctl" genkey)
for name in a b c; do start_node $name --bootstrap "$hub_at" --key "$key"; done
up a b c
for pair in "a b" "a c" "b c"; do wait_for 5 "edge ${pair/ / - }" edge $pair; done
inner_b=$(overlay6 b)
inner_c=$(overlay6 c)
stop_node b
mkdir -p "$work/b2"
cp -a "$work/b/state" "$work/b2/state"
start_node b --bootstrap "$hub_at"
up b
wait_for 5 "edge a - b again" edge a b

say "the copy starts"
# NODE: how often it has told of an edge with that identity, whatever it calls itself.
edges_told() { grep -cE ' b2? connected directly' "$work/$1/log" || true; }
told() { grep -q "another machine uses this node's identity" "$work/$1/log"; }
before=$(($(edges_told a) + $(edges_told c)))
spawn a "$work/flood" ping -n -i 0.05 -W 2 "$inner_c" </dev/null
flood=$spawned
start_node b2 --bootstrap "$hub_at"
for name in b b2; do wait_for 30 "$name tells its user" told $name; done
explained() {
  local code=0
  ctl "$1" why >"$work/why.txt" || code=$?
  [[ $code == 3 ]] && grep -q '(identity-in-use-twice)' "$work/why.txt"
}
for name in b b2; do check "$name says why" explained $name; done
check "and says what to do" grep -q 'identity: was its state copied? Remove .*/identity' "$work/b2/log"
wait_for 10 "a reaches one of them" inside a ping -n -q -c 1 -W 1 "$inner_b"

say "the others stay with it"
ids=$(js a '[.peers[].id] | sort | join(" ")')
at() { js "$1" --arg id "${id_b}" '.peers[] | select(.id == $id) | .path.remote | split(":")[0]'; }
id_b=$(id_of b2)
declare -A moved=()
for name in a c; do declare "where_$name=$(at $name)"; done
spawn a "$work/to-b" ping -n -q -i 0.05 -c 200 -W 2 "$inner_b" </dev/null
to_b=$spawned
# Whoever has not met the copy yet goes over to it when it does: once, and never back.
for _ in $(seq 40); do
  for name in a c; do
    declare -n where=where_$name
    now=$(at $name)
    [[ $now == "$where" ]] || { moved[$name]=$((${moved[$name]:-0} + 1)); where=$now; }
  done
  sleep 0.2
done
check "a and c moved at most once each in 8 s (${moved[a]:-0}, ${moved[c]:-0})" \
  test "${moved[a]:-0}" -le 1 -a "${moved[c]:-0}" -le 1
wait_for 20 "pings to it are over" ended "$to_b"
check "all of them were answered" test "$(lost_in "$work/to-b")" = 0
after=$(($(edges_told a) + $(edges_told c)))
check "a and c have told of $((after - before)) edges with it since, at most one each and machine" \
  test $((after - before)) -le 4
check "a counts no more members than before" test "$(js a '[.peers[].id] | sort | join(" ")')" = "$ids"
end "$flood" INT
check "none of the pings between a and c was lost" test "$(holes_in "$work/flood")" = 0
