#!/bin/bash
# Two networks side by side on the same two hosts. They share the LAN port, nothing else; and no
# network ever runs through the other one, though each sees the other's interface.
#
#     host a                        host b
#     a1 mesh0 10.71.0.1 ═══════ mesh0 10.71.0.2 b1       network 1
#     a2 mesh1 10.72.0.1 ═══════ mesh1 10.72.0.2 b2       network 2
#     eth0 ────────── br0 ────────── eth0
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b
for n in 1 2; do
  "$meshctl" genkey >"$work/key$n"
  start_node --in a "a$n" --lan-only --interface "mesh$((n - 1))" --key "@$work/key$n" \
    --address "10.7$n.0.1/24"
  start_node --in b "b$n" --lan-only --interface "mesh$((n - 1))" --key "@$work/key$n" \
    --address "10.7$n.0.2/24"
done
up a1 a2 b1 b2
capture a mesh0 inside0 udp
inside0=$capture_pid
capture a mesh1 inside1 udp
inside1=$capture_pid
for n in 1 2; do
  wait_for 5 "edge of network $n" edge "a$n" "b$n"
  ping_well a "$(overlay6 "b$n")"
  ping_well b "$(overlay4 "a$n")"
done
check "two fingerprints" test "$(js a1 .node.network)" != "$(js a2 .node.network)"

# No path ends in an address of an overlay.
outside() {
  local name
  for name in a1 a2 b1 b2; do
    holds "$name" '(.peers | length) == 1 and .peers[0].state == "connected"
      and (.peers[0].path | [.local, .remote]
        | all(.[]; startswith("10.61.0.") or startswith("[fe80:")))' || return 1
  done
}
stays 4 "one peer each, all paths on the LAN, also after further beacons" outside

say "no cross-talk"
before=$(js a2 '.peers[0].tx_packets')
check "50 pings in network 1" test "$(ping_loss a "$(overlay6 b1)" -c 50 -i 0.01)" = 0
check "network 2 carried none of them" test $(($(js a2 '.peers[0].tx_packets') - before)) -lt 20
end "$inside0" INT
end "$inside1" INT
check "no datagram of ours went into mesh0" test "$(captured inside0)" = 0
check "no datagram of ours went into mesh1" test "$(captured inside1)" = 0

say "one network ends, the other does not notice"
stop_node a1
check "network 2 goes on" test "$(ping_loss a "$(overlay6 b2)" -c 20 -i 0.02)" = 0
