#!/bin/bash
# A node with several interfaces: three LANs, one of them the way to the Internet. It meets the
# members of each where they are, one member is on two of its LANs, and nothing of one LAN is sent
# into another.
#
#     x ── lan1 ──┐                        a (--bootstrap) has lan1, lan2 and, behind ga, the Internet
#     x, y ─ lan2 ┼── a ── ga ── inet ── gb ── b
#                                  └── hub
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"
# shellcheck source=crowd.sh
. "$lib_dir/crowd.sh"

internet
public_host hub
start_hub
homes a b
lan lan1
lan lan2
for to in lan1 lan2; do attach --no-default-route a $to; done      # eth1 10.61.0.1, eth2 10.62.0.1
for to in lan1 lan2; do attach --no-default-route x $to; done      # eth0 10.61.0.2, eth1 10.62.0.2
attach --no-default-route y lan2                                   # eth0 10.62.0.3
"$meshctl" genkey >"$work/key"
for name in a b; do start_node $name --bootstrap "$hub_at" --key "@$work/key"; done
for name in x y; do start_node $name --lan-only --key "@$work/key"; done
up a b x y
for pair in "a b" "a x" "a y" "x y"; do wait_for 8 "edge ${pair/ / - }" edge $pair; done
path() { peer "$1" "$2" '"\(.path.local) \(.path.remote)"'; }
# What b says comes to x and y by a's gossip, too; they have no way to it.
check "a speaks with b over the Internet" eval \
  '[[ $(path a b) == *" 11.${gateway_number[gb]}.0.2:"* ]]'
check "x and y speak on lan2" eval '[[ $(path x y) =~ ^(10\.62\.|\[fe80).*\ (10\.62\.|\[fe80) ]]'
check "a and y, too" eval '[[ $(path a y) =~ ^(10\.62\.|\[fe80).*\ (10\.62\.|\[fe80) ]]'
check "a and x speak on one of theirs" eval \
  '[[ $(path a x) =~ ^10\.61\..*\ 10\.61\. || $(path a x) =~ ^10\.62\..*\ 10\.62\. || $(path a x) =~ fe80 ]]'
for to in b x y; do ping_well a "$(overlay6 $to)"; done

say "the cable between a and x on the LAN in use is pulled: the other LAN takes over"
spawn a "$work/flood" ping -n -i 0.02 -c 400 -W 1 "$(overlay6 x)" </dev/null
flood=$spawned
wait_for 3 "pings run" grep -q 'icmp_seq=20 ' "$work/flood"
# The interface of a, by what it is bound to.
case $(path a x) in
  *%eth1* | 10.61.*) cable=eth1 ;;
  *) cable=eth2 ;;
esac
inside a ip link set $cable down
wait_for 20 "pings are over" ended "$flood"
lost=$(lost_in "$work/flood")
say "  $lost of 400 pings lost, 20 ms apart: $((lost * 20)) ms"
check "at most 300 ms, as there is a second path" test "$lost" -le $((15 * patience))
check "a still reaches b" test "$(ping_loss a "$(overlay6 b)" -c 10 -i 0.02)" = 0
