#!/bin/bash
# A stranger on the LAN: his node holds another key. No edge, and not one datagram for him.
#
#     a, key 1 ── br0 ── b, key 2
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b
capture a eth0 wire udp
for name in a b; do
  "$meshctl" genkey >"$work/key-$name"
  start_node "$name" --lan-only --key "@$work/key-$name"
done
up a b
check "two fingerprints" test "$(js a .node.network)" != "$(js b .node.network)"

from_a="ether src $(mac a)" from_b="ether src $(mac b)"
wait_for 10 "a called four times" captured_at_least 4 wire "$from_a and ether multicast"
wait_for 10 "b called four times" captured_at_least 4 wire "$from_b and ether multicast"
counted() { (($(drops a) >= 4)); }
wait_for 2 "a counted b's calls as dropped" counted
nobody() { holds a '.peers == []' && holds b '.peers == []'; }
stays 2 "neither knows a peer" nobody
refute "a cannot ping b" inside a ping -q -c 2 -i 0.2 -W 1 "$(overlay6 b)"

end "$capture_pid" INT
check "a sent b nothing" test "$(captured wire "$from_a and ether dst $(mac b)")" = 0
check "b sent a nothing" test "$(captured wire "$from_b and ether dst $(mac a)")" = 0
