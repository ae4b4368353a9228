#!/bin/bash
# hub_crowd.sh [MEMBERS=600] [SECONDS=12] [JOIN-SECONDS=12] [NETWORK=10]: the real meshhub under a
# crowd of members, each at an address of its own, NETWORK of them in one network, that find, listen,
# put, ping and ask for their address as often as members do. It stays small and leaves none without
# an answer for good, and two fresh members behind NATs, of a network of their own, meet, be it that
# both are new or that one has waited for the other.
#
#     crowd 12.0.0.1, 12.0.0.2, ... ── inet ── hub
#                a ── ga ───────────────┤
#                b ── gb ───────────────┘
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"
# shellcheck source=crowd.sh
. "$lib_dir/crowd.sh"

crowd=${1:-600} span=${2:-12} join=${3:-12} network=${4:-10}
internet
for name in hub crowd; do public_host $name; done
inside inet ip route add 12.0.0.0/14 via "$address"  # the crowd's
inside crowd ip route add local 12.0.0.0/14 dev lo
homes a b
start_hub
members_speak() {
  spawn crowd "$work/crowd" "$bin_dir/hub_crowd" "$crowd" 12.0.0.1 "${hub_at%:*}" 3731 "$join" \
    "$network" </dev/null
  speaking=$spawned
}
lines_told() { grep -c '^asked' "$work/crowd" || true; }
told_more_than() { (($(lines_told) > $1)); }
# Sets the variables named in the crowd's line of figures, counted since the last time.
figures() {
  local lines
  lines=$(lines_told)
  kill -s USR1 "$speaking"
  wait_for 10 "figures" told_more_than "$lines" >/dev/null
  read -ra words <<<"$(grep '^asked' "$work/crowd" | tail -n 1)"
  local i
  for ((i = 0; i + 1 < ${#words[@]}; i += 2)); do declare -g "${words[i]}=${words[i + 1]}"; done
}
tell() {
  figures
  say "  $1: $asked requests, $answered answered within 1 s; median $median_ms ms, p99 $p99_ms ms" \
    "  $out_per_s datagrams a second in, $in_per_s out; $updates records pushed" \
    "  hub: RSS $(rss_kib "$hub") KiB, $(($(cpu_ms "$hub") - cpu)) ms of CPU in $(seconds_of $(($(ms) - at)))"
  cpu=$(cpu_ms "$hub") at=$(ms)
  to_hub=$((to_hub + out_bytes)) from_hub=$((from_hub + in_bytes))
}
to_hub=0 from_hub=0

say "$crowd members join"
cpu=$(cpu_ms "$hub") at=$(ms)
members_speak
wait_for $((join + 30)) "all have joined" grep -q ready "$work/crowd"
tell "while they join"
kill -s USR2 "$speaking"
sleep "$span"
tell "afterwards"

say "two members among them"
start() { start_node "$1" --bootstrap "$hub_at" --key "$key"; }
for round in 1 2 3; do
  key=$("$meshctl" genkey)
  begin=$(ms)
  start a
  if ((round == 1)); then
    up a
    sleep 12  # it is known to the hub, and at rest
    begin=$(ms)
  fi
  start b
  wait_for 30 "edge between a and b" edge a b
  say "  $(($(ms) - begin)) ms after the start"
  ping_well a "$(overlay6 b)"
  for name in a b; do stop_node $name; rm -rf "$work/$name/state"; done
done
tell "meanwhile"
# Each asks for something at least every 18 s, and asks again for what got lost.
wait_for 60 "each of the crowd was answered since" grep -q '^all' "$work/crowd"
check "the hub is the one that was started" not ended "$hub"
check "it sent at most three times what it got" test "$from_hub" -le $((3 * to_hub))
memory=$(rss_kib "$hub")
check "memory of the hub: $memory KiB, at most 30 MiB" test "$memory" -le $((30 * 1024))
