#!/bin/bash
# `meshctl why`: faults one at a time, and each is called by its name within 15 s, with the exit code
# of where something can be done about it.
#
#     a ── ga ──┐         ┌── gb ── b       ga, gb: port-restricted; gs, gt: symmetric
#     s ── gs ──┼── inet ─┼── gt ── t
#     hub ──────┘         └── p, q          public
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
public_host hub
public_host p
public_host q
for name in a b; do gateway port-restricted g$name; behind $name g$name; done
for name in s t; do gateway random g$name; behind $name g$name; done
start_hub
key=$("$meshctl" genkey)
node() { start_node "$1" --bootstrap "$hub_at" --key "$key" "${@:2}"; up "$1"; }

# NODE PEER-or-"" WANTED-CAUSE WANTED-EXIT
is_named() {
  local code=0 said
  # shellcheck disable=SC2086
  said=$(ctl "$1" why $2 --json 2>/dev/null) || code=$?
  [[ $code == "$4" ]] && jq -e --arg cause "$3" 'any(.[]; .cause == $cause)' <<<"$said" >/dev/null
}
named() {
  wait_for 15 "$1${2:+ about $2}: $3" is_named "$1" "$2" "$3" "$4"
  ctl "$1" why ${2:+"$2"} >"$work/why.txt" 2>&1 || true
  check "  and says what to do" grep -q '^  to do: ' "$work/why.txt"
}

say "nothing is wrong"
node a
named_nobody() { ctl a why >"$work/why.txt"; [[ $? -eq 5 ]] && grep -q 'wait some seconds' "$work/why.txt"; }
check "a new node: wait" named_nobody
named a "" alone-in-network 4
node b
wait_for 15 "a and b have an edge" edge a b
check "all is well: exit 0" ctl a why
check "of one peer, too" ctl a why b
code=0; ctl a why nobody-of-that-name >/dev/null 2>&1 || code=$?
check "an unknown name: exit 2" test "$code" = 2

say "the peer"
stop_node b
named a b peer-offline 4
node b
wait_for 15 "a and b have an edge" edge a b
inner_b=$(overlay6 b)
stop_node b KILL
spawn a "$work/ping" ping -n -q -i 0.2 -W 1 "$inner_b" </dev/null  # somebody wants something of it
pinging=$spawned
named a b peer-offline 4
end "$pinging" INT
stop_node a

say "the way"
node s
node t
named s t both-nats-address-and-port-dependent 3
node a
named s a nat-needs-forwarded-port-here 3
named a s nat-needs-forwarded-port-there 4
stop_node t
node p
node q
wait_for 15 "p and q have an edge" edge p q
stop_node q
inside q nft -f - <<'RULES'
table inet fault {
  chain in { type filter hook input priority 0; udp dport 1024-65535 udp sport != 3731-3733 drop; }
  chain out { type filter hook output priority 0; udp sport 1024-65535 udp dport != 3731-3733 drop; }
}
RULES
stop_node p
node p
node q
named p q filtered-on-the-way 4
inside q nft flush ruleset
stop_node q

say "addresses"
stop_node p
node p --address 10.77.0.1/24
node q --address 10.77.0.1/24
wait_for 15 "p and q have an edge" edge p q
conflict_told() { is_named p q address-conflict 3 || is_named q p address-conflict 3; }
wait_for 15 "one of them: address-conflict" conflict_told
stop_node q
stop_node p

say "this machine"
inside ga nft -f - <<'RULES'
table inet fault {
  chain forward { type filter hook forward priority -10; meta l4proto udp drop; }
}
RULES
stop_node a
rm -rf "${work:?}/a/state"
node a
named a "" udp-blocked-here 3
inside ga nft delete table inet fault
stop_node a
inside a nft -f - <<'RULES'
table inet fault {
  chain out { type filter hook output priority 0; meta l4proto udp drop; }
}
RULES
rm -rf "${work:?}/a/state"
node a
named a "" port-filtered-by-local-firewall 3
inside a nft flush ruleset
inside a ip addr flush dev eth0
named a "" no-network-here 3
stop_node a

say "a clock"
faketime=$(dirname "$(dpkg -L faketime libfaketime 2>/dev/null | grep -m 1 '/libfaketime\.so\.1$')")/libfaketime.so.1
[[ -f $faketime ]] || { say "libfaketime is missing: run scripts/setup" >&2; exit 1; }
rm -rf "${work:?}/p/state" "${work:?}/q/state"
key=$("$meshctl" genkey)
node p
node_wrapper=(env LD_PRELOAD="$faketime" FAKETIME=+3d FAKETIME_DONT_FAKE_MONOTONIC=1)
node q
node_wrapper=()
named q "" clock-skew 3
check "  by how much" grep -q '3 days ahead' "$work/why.txt"
named p "" alone-in-network 4
stop_node q
node q
wait_for 15 "with the right time p and q have an edge" edge p q
stop_node p
stop_node q

say "the hub"
public_host other
start_hub --in other
rm -rf "${work:?}/b/state"
start_node b --bootstrap 11.1.0.2:3799 --stun "$hub_at" --key "$("$meshctl" genkey)"
up b
named b "" no-bootstrap-reachable 3
