#!/bin/bash
# A member that leaves politely, one that is killed: both come back as the same node, quickly.
#
#     a ── br0 ── b (ended and started again)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b
start_node a --lan-only
up a
start_node --stdin "$(token_of a)" b --lan-only --key @-
wait_for 3 "edge between a and b" edge a b
ping_well a "$(overlay6 b)"

who() { js "$1" '[.node.id, .node.port, .node.network] + .node.addresses | join(" ")'; }
gone() { holds a '.peers[0].state != "connected"'; }
b_was=$(who b)
address=$(overlay6 b)

back() {  # starts b again without any key and measures until a's ping is answered
  local begin
  begin=$(ms)
  start_node b --lan-only
  until inside a ping -n -q -i 0.02 -c 1 -w 1 "$address" >/dev/null 2>&1; do
    (($(ms) - begin < 5000)) || fail "$1: no ping answered within 5 s of the start"
  done
  took=$(($(ms) - begin))
  say "  ok   $1: the first ping is answered after $(seconds_of "$took") (budget 1 s)"
  wait_for 3 "$1: edge" edge a b
  check "$1: same id, port, network and addresses" test "$(who b)" = "$b_was"
  check "$1: a counts one peer" holds a '(.peers | length) == 1'
  ping_well b "$(overlay6 a)"
}

for signal in TERM INT; do
  say "SIG$signal"
  stop_node b $signal
  check "SIG$signal: exit 0" test "$exit_code" = 0
  # Silence alone would take 3 to 5 s.
  wait_for 1 "SIG$signal: goodbye, a knows at once" gone
  refute "SIG$signal: the interface is gone" inside b ip link show mesh0
  check "SIG$signal: the control socket is gone" test ! -e "$work/b/control.sock"
  back "after SIG$signal"
done

say "SIGKILL"
stop_node b KILL
check "SIGKILL: no clean-up was possible" test "$exit_code" = 137
back "after SIGKILL"

say "SIGKILL while a is talking to it, and back only after a has noticed"
spawn a "$work/ping" ping -n -q -i 0.2 -c 60 -W 1 "$address" </dev/null
talking=$spawned
stop_node b KILL
wait_for 12 "a noticed the silence" gone  # 5 s for a path in use; there are two, IPv4 and IPv6
end "$talking" INT
back "after silence"

say "both at once"
a_was=$(who a)
stop_node a
stop_node b
start_node a --lan-only
start_node b --lan-only
wait_for 3 "edge between a and b" edge a b
check "both are who they were" test "$(who a) $(who b)" = "$a_was $b_was"
ping_well a "$address"
