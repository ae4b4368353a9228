#!/bin/bash
# `meshctl map`: the whole mesh as its members tell it, for people, for Graphviz and for programs; one
# that does not share says nothing else, and an edge that is gone is missing.
#
#     alpha, beta, gamma and quiet on a LAN
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 alpha beta gamma quiet
key=$("$meshctl" genkey)
for name in alpha beta gamma; do start_node "$name" --lan-only --key "$key"; done
start_node quiet --lan-only --key "$key" --share-map off
up alpha beta gamma quiet
edges() { holds "$1" --argjson n "$2" '[.peers[] | select(.path)] | length == $n'; }
for name in alpha beta gamma quiet; do wait_for 10 "$name has three edges" edges "$name" 3; done

map() { timeout 15 "$meshctl" --control "$work/$1/control.sock" map "${@:2}" 2>/dev/null; }
maps() { map "$1" --json | jq -e "${@:2}"; }  # NODE FILTER

say "for programs"
check "four nodes, six edges" maps alpha '(.nodes | length == 4) and (.edges | length == 6) and .complete'
check "who told" maps alpha \
  '[.nodes[] | {(.name): .answer}] | add == {alpha: "here", beta: "told", gamma: "told", quiet: "refused"}'
check "both sides told of beta and gamma" maps alpha '
  ([.nodes[] | {(.id): .name}] | add) as $name | .edges[]
  | select([.a, .b] | map($name[.]) | sort == ["beta", "gamma"])
  | (.told_by | length == 2) and .path_kind == "lan" and .rtt_ms > 0 and (.disputed | not)'
check "quiet tells of nothing, the others of it" maps alpha '
  ([.nodes[] | {(.name): .id}] | add).quiet as $quiet
  | [.edges[] | select(.a == $quiet or .b == $quiet) | .told_by]
  | length == 3 and all(length == 1 and . != [$quiet])'
check "over the socket, one member's edges" bash -c "echo '{\"version\":1,\"method\":\"edges\",\"peer\":\"beta\"}' |
  timeout 5 python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.stdin.buffer.read())
print(s.makefile().readline())' '$work/alpha/control.sock' | jq -e '.result | .shares and (.edges | length == 3)'"

say "for people and Graphviz"
map alpha >"$work/map"
sed 's/^/  | /' "$work/map"
check "counted" grep -qx '4 nodes, 6 edges' "$work/map"
check "quiet is said to be quiet" grep -qE '^quiet .*does not share' "$work/map"
map alpha --dot >"$work/dot"
check "six lines of edges" test "$(grep -c ' -- ' "$work/dot")" = 6
if command -v dot >/dev/null; then check "Graphviz reads it" dot -Tplain "$work/dot"; fi

say "an edge is broken"
inside beta nft -f - <<RULES
table inet cut {
  chain in { type filter hook input priority 0; ip saddr $(address4 gamma) drop; ip6 saddr $(address6 gamma) drop; }
  chain out { type filter hook output priority 0; ip daddr $(address4 gamma) drop; ip6 daddr $(address6 gamma) drop; }
}
RULES
(inside beta ping -c 20 -i 0.2 -W 1 "$(js gamma -r '.node.addresses[0]')" >/dev/null 2>&1 || true) &
pinging=$!
(inside gamma ping -c 20 -i 0.2 -W 1 "$(js beta -r '.node.addresses[0]')" >/dev/null 2>&1 || true) &
without() {
  maps alpha '([.nodes[] | {(.id): .name}] | add) as $name
    | ([.edges[] | [$name[.a], $name[.b]] | sort] | index([["beta", "gamma"]]) | not)
    and ([.gaps[] | [$name[.a], $name[.b]] | sort] == [["beta", "gamma"]])'
}
wait_for 40 "alpha's map is without it" without
wait "$pinging"
check "and says so" bash -c "'$meshctl' --control '$work/alpha/control.sock' map 2>/dev/null | grep -qx 'no edge: beta and gamma'"
check "the others are still there" maps alpha '.edges | length == 5'
check "beta cannot ask gamma, and quiet does not tell of it" maps beta '
  (.edges | length == 4) and ([.nodes[] | {(.name): .answer}] | add).gamma == "not-asked"'

say "bad input"
refused alpha 2 'one of them' "$meshctl" --control "$work/alpha/control.sock" map --dot --json
refused alpha 1 'no meshnode|no such|answers' "$meshctl" --control "$work/none" map
