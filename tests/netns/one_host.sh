#!/bin/bash
# Two nodes on one host: they meet without any network but lo, on a LAN beside a third one, and
# behind one NAT, and each other member tells them apart.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"
# shellcheck source=crowd.sh
. "$lib_dir/crowd.sh"

# NODE HOST: both on one host have interfaces of their own.
start() { start_node --in "$2" "$1" --interface "mesh-$1" --key "@$work/key" "${@:3}"; }

say "on a LAN, with a third one"
lan lan0 h k
"$meshctl" genkey >"$work/key"
for name in a b; do start $name h --lan-only; done
start c k --lan-only
up a b c
for pair in "a b" "a c" "b c"; do wait_for 5 "edge ${pair/ / - }" edge $pair; done
check "two ports" test "$(js a .node.port)" != "$(js b .node.port)"
for name in a b; do
  ping_well k "$(overlay6 $name)"
  check "c knows $name by its own port" eval \
    '[[ $(peer c $name .path.remote) == *:"$(js $name .node.port)" ]]'
done
for name in a b c; do check "$name has two peers" has_paths $name 2; done
stop_node a
ping_well k "$(overlay6 b)"
for name in b c; do stop_node $name; done

say "behind one NAT, with a hub"
internet
public_host hub
start_hub
gateway port-restricted g1
behind w g1
gateway port-restricted g2
behind v g2
rm -rf "$work"/[abc]/state
for name in a b; do start $name w --bootstrap "$hub_at"; done
start c v --bootstrap "$hub_at"
up a b c
for pair in "a b" "a c" "b c"; do wait_for 8 "edge ${pair/ / - }" edge $pair; done
for name in a b; do ping_well v "$(overlay6 $name)"; done
check "a and b do not go through their router" eval \
  '[[ $(peer a b .path.remote) != 11.* && $(peer b a .path.remote) != 11.* ]]'
for name in a b c; do stop_node $name; done

say "with nothing but lo: --lan-only has no LAN there, and says nothing wrong"
host alone
rm -rf "$work"/[ab]/state
for name in a b; do start $name alone --lan-only; done
up a b
sleep 1
for name in a b; do check "$name runs" not ended "${pid[$name]}"; done
