#!/bin/bash
# Start rules: which network, which identity, whose port, whose socket. Every refusal is one clear
# sentence on stderr with exit code 2 (type something else) or 1 (the world).
#
#     a ── br0 ── b
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b
state=$work/a/state socket=$work/a/control.sock
again=(--in a a --lan-only)  # node a, with what it remembers

# What a second start beside a is given, unless the case is about it.
other=(--lan-only --state-dir "$work/other" --control "$work/other.sock" --interface mesh1)

say "a network of its own"
start_node "${again[@]}"
up a
token=$(token_of a)
first=$(js a .node.network)
refute "the secret is not in the log" grep -qF "${token:20:40}" "$work/a/log"
refute "only root reads the state" test -n "$(find "$state" -type f -perm /077)"
group=$(getent group meshnode >/dev/null && echo "660 meshnode" || echo "600 root")
check "the control socket is for few" test "$(stat -c '%a %G' "$socket")" = "$group"

say "somebody else is there already"
refused a 1 "\b${pid[a]}\b" "$meshnode" --lan-only --state-dir "$state" \
  --control "$work/other.sock" --interface mesh1
refused a 1 "$socket" "$meshnode" --lan-only --state-dir "$work/other" \
  --control "$socket" --interface mesh1
refused a 1 "mesh0" "$meshnode" --lan-only --state-dir "$work/other" --control "$work/other.sock"
refused a 1 "\b$(js a .node.port)\b" "$meshnode" "${other[@]}" --port "$(js a .node.port)"
check "the first one still answers" answers a

say "stale control socket"
stop_node a KILL
check "it was left behind" test -S "$socket"
start_node "${again[@]}"
up a

say "another key, nobody else was ever here"
"$meshctl" genkey >"$work/key2"
stop_node a
: >"$work/a/log"
start_node "${again[@]}" --key "@$work/key2"
up a
second=$(js a .node.network)
check "the given network is used" test "$second" != "$first"
check "the log says so, naming the old one" grep -q -- "$first" "$work/a/log"
check "the old one is kept aside" test -n "$(find "$state" -name 'network?*')"
check "the given key is remembered" test "$(token_of a)" = "$(<"$work/key2")"

say "another key, the network has a second member"
start_node b --lan-only --key "@$work/key2"
wait_for 3 "edge between a and b" edge a b
"$meshctl" genkey >"$work/key3"
stop_node b
stop_node a
foreign=("$meshnode" --lan-only --state-dir "$state" --control "$socket" --key "@$work/key3")
refused a 2 "$second" "${foreign[@]}"
check "two fingerprints are named" \
  test "$(grep -oE '[0-9a-f]{4}-[0-9a-f]{4}' "$work/err" | sort -u | wc -l)" = 2
check "the way to a second network, too" grep -q -- '--interface' "$work/err"

say "busy remembered port"
start_node "${again[@]}"
up a
port=$(js a .node.port)
stop_node a
spawn a "$work/holder" python3 "$lib_dir/hold_port.py" "$port" </dev/null
wait_for 3 "port $port is held" grep -q held "$work/holder"
: >"$work/a/log"
start_node "${again[@]}"
up a
check "another port is used" test "$(js a .node.port)" != "$port"
check "the log says so" grep -q "\b$port\b" "$work/a/log"
stop_node a

say "damaged identity"
identity=$(find "$state" -type f -name '*identity*' | head -n 1)
[[ -n $identity ]] || fail "no file *identity* in the state directory: $(ls -la "$state")"
printf damaged >"$identity"
inside a timeout -s TERM 3 "$meshnode" --lan-only --state-dir "$state" --control "$socket" \
  </dev/null >"$work/out" 2>&1 || true
check "it is kept aside" \
  test "$(grep -lrx damaged "$state" | grep -vcFx "$identity")" = 1
check "it is reported: $(grep -i identity "$work/out" | head -n 1)" grep -qi identity "$work/out"
