#!/bin/bash
# Any member that strangers can reach is a bootstrap for the others, though nobody names it: it goes
# on when every hub is dead.
#
#   hub    p and q (members with public addresses)    stranger
#    |      |            internet, IPv4 and IPv6         |
#   ga     gb     gn     gf (firewall, IPv6 only)
#    a      b      n      f
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
declare -A v4=() v6=()
for name in hub p q stranger; do
  public_host $name
  v4[$name]=$address:3731
  v6[$name]="[2a00:$number::2]:3731"
done
for name in a b n; do
  gateway port-restricted g$name
  declare public_$name=11.${gateway_number[g$name]}.0.2
  behind $name g$name
done
gateway firewall6 gf
behind f gf
start_hub
key=$("$meshctl" genkey)
from_hub=(--bootstrap "${v4[hub]}" --bootstrap "${v6[hub]}" --key "$key" --log-level debug)
start() { start_node "$1" "${from_hub[@]}" "${@:2}"; }

reached() { (($(grep -c 'strangers reach us' "$work/$1/log") >= $2)); }
# NODE ENDPOINT [COUNT]: it serves this node, for the COUNT-th time since the log began.
served() { (($(grep -cF "a member serves as a bootstrap: $2" "$work/$1/log") >= ${3:-1})); }
# COMMAND NODE ARGUMENT...: it holds for one of the arguments.
one_of() { local each; for each in "${@:3}"; do ! "$1" "$2" "$each" || return 0; done; return 1; }
times_served() { grep -cF "a member serves as a bootstrap: $2" "$work/$1/log" || true; }
a_hub_is_up() { holds "$1" 'any(.discovery.bootstraps[]; .state == "up")'; }
remembers() { jq -e --argjson n "$2" '.content.members | length >= $n' "$work/$1/state/members"; }

say "who is reached by strangers says so, and nobody else"
begin=$(ms)
for name in p q; do start $name --port 3731; done
for name in a b f; do start $name; done
for name in a b f; do wait_for 10 "edge $name - p" edge $name p; done
wait_for 5 "edge a - b" edge a b
for name in p q; do wait_for 20 "strangers reach $name in both families" reached $name 2; done
for name in a b; do
  wait_for 5 "$name has one of them for a bootstrap" one_of served $name "${v4[p]}" "${v4[q]}"
done
wait_for 5 "f, too, by IPv6" one_of served f "${v6[p]}" "${v6[q]}"
say "  $(seconds_of $(($(ms) - begin))) after the start of all"
for name in a b f; do
  refute "strangers do not reach $name" grep -q 'strangers reach us' "$work/$name/log"
done
inside stranger python3 "$lib_dir/dht_find.py" "${v4[p]%:*}" 3731 >"$work/found" || fail "no answer"
say "  a stranger who asks p hears of: $(tail -n +2 "$work/found" | xargs)"
refute "a stranger learns of a member that does not serve" grep -q "^$public_a:\|^$public_b:" \
  "$work/found"
for name in a b; do wait_for 25 "$name has stored what it knows" remembers $name 3; done
wait_for 25 "f has stored what it knows" remembers f 2  # nobody else speaks IPv6

say "the hub dies; a member is killed and started again"
end "$hub" KILL
[[ $(ping_loss a "$(overlay6 b)" -c 10 -i 0.05) == 0 ]] || fail "a lost pings to b"
stop_node a KILL
n=$(times_served a "${v4[p]}")
start a
begin=$(ms)
wait_for 10 "edge a - p" edge a p
wait_for 10 "edge a - b" edge a b
wait_for 10 "p serves it" served a "${v4[p]}" $((n + 1))
wait_for 10 "and tells it how the world sees it" holds a '.node.reflexive[0] | startswith("11.")'
refute "any hub is up" a_hub_is_up a
say "  $(seconds_of $(($(ms) - begin))) after its start"

say "a new member whose only bootstrap is that member"
begin=$(ms)
start_node n --bootstrap "${v4[p]}" --key "$key" --log-level debug
for name in p a b; do wait_for 10 "edge n - $name" edge n $name; done
say "  $(seconds_of $(($(ms) - begin))) after its start"
ping_well n "$(overlay6 a)"
stop_node n

say "two members start again behind NATs that have new addresses"
for name in a b; do stop_node $name KILL; done
for name in a b; do
  rebind g$name
  start $name
done
begin=$(ms)
for name in a b; do wait_for 10 "edge $name - p" edge $name p; done
wait_for 10 "edge a - b" edge a b
say "  $(seconds_of $(($(ms) - begin))) after their start"
ping_well a "$(overlay6 b)"

say "over IPv6 alone"
stop_node f KILL
begin=$(ms)
n=$(times_served f "${v6[p]}")
start f
wait_for 10 "edge f - p" edge f p
wait_for 10 "p serves it" served f "${v6[p]}" $((n + 1))

say "the serving member starts again, without a hub: it still knows that strangers reach it"
stop_node p KILL
start p --port 3731
begin=$(ms)
for name in a b f; do wait_for 10 "edge p - $name" edge p $name; done
say "  $(seconds_of $(($(ms) - begin))) after its start"
stop_node b KILL
rebind gb
n=$(times_served b "${v4[p]}")
start b
wait_for 10 "p serves b" served b "${v4[p]}" $((n + 1))
wait_for 10 "edge a - b" edge a b

say "of two serving members one is enough"
stop_node q KILL
for name in a b; do stop_node $name KILL; done
for name in a b; do
  rebind g$name
  start $name
done
begin=$(ms)
wait_for 10 "edge a - b" edge a b
say "  $(seconds_of $(($(ms) - begin))) after their start"

say "the hub is back"
start_hub
for name in a b p; do wait_for 60 "$name uses the hub again" a_hub_is_up $name; done
begin=$(ms)
rm -rf "$work/n/state"
start_node n --bootstrap "${v4[hub]}" --key "$key" --log-level debug
for name in p a b; do wait_for 10 "edge n - $name" edge n $name; done
say "  a new member found all through it $(seconds_of $(($(ms) - begin))) after its start"
