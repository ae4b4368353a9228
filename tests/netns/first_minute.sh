#!/bin/bash
# What a person sees in the first minute: a on a terminal tells its story, a line each; after 15 s
# alone it asks the right question; b's arrival is told with its time. Into a file it tells no secret.
#
#     a (on a terminal) ── br0 ── b (comes after 15 s)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b
node_wrapper=(python3 "$lib_dir/on_terminal.py")
start_node a --lan-only
node_wrapper=()
up a
wait_for 3 "it names the interface and its address" grep -qE "mesh0.*$(overlay6 a)" "$work/a/log"
token=$(token_of a)
wait_for 3 "it shows the line for the other machine" grep -qF "$token" "$work/a/log"
check "that line keeps the secret off the command line" grep -qE -- '--key @-' "$work/a/log"

fingerprint=$(js a .node.network)
asked() { grep -q "nobody else.*$fingerprint" "$work/a/log"; }
refute "it does not ask at once" asked
wait_for 18 "after 15 s alone it asks, with the fingerprint" asked
check "not earlier than that" holds a '.node.uptime_s >= 14'
check "it asks once" test "$(grep -c 'nobody else' "$work/a/log")" = 1

start_node --stdin "$token" b --lan-only --key @-
wait_for 3 "edge between a and b" edge a b
wait_for 2 "it says that b is connected, directly and when" \
  grep -qE '\bb connected directly in [0-9]+\.[0-9]+ s \([0-9.]+ ms\)' "$work/a/log"
refute "b, not on a terminal, wrote no secret" grep -qF "${token:20:40}" "$work/b/log"
stop_node a
check "SIGTERM: exit 0" test "$exit_code" = 0
