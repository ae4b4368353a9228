#!/bin/bash
# Three hosts, three edges: everybody reaches everybody directly.
#
#     a ──┐
#     b ──┼── br0
#     c ──┘
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b c
"$meshctl" genkey >"$work/key"
for name in a b c; do start_node "$name" --lan-only --key "@$work/key"; done
up a b c
for pair in "a b" "b c" "c a"; do
  # shellcheck disable=SC2086
  wait_for 5 "edge $pair" edge $pair
done
for from in a b c; do
  check "$from has two peers, both on the LAN" holds "$from" \
    '(.peers | length) == 2 and all(.peers[]; .path.kind == "lan")'
  for to in a b c; do
    [[ $from == "$to" ]] || ping_well "$from" "$(overlay6 "$to")"
  done
done

say "one leaves, the edge of the others does not notice"
before=$(peer a b .rx_packets)
spawn a "$work/ping" ping -n -q -i 0.05 -c 40 -W 1 "$(overlay6 b)" </dev/null
stop_node c
wait_for 3 "a no longer counts c as connected" \
  holds a '[.peers[] | select(.state == "connected")] | length == 1'
wait_for 5 "pings beside it end" grep -q received "$work/ping"
check "none of them was lost" test "$(lost_in "$work/ping")" = 0
check "they went over the edge" test $(($(peer a b .rx_packets) - before)) -ge 40
