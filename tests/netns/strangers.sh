#!/bin/bash
# 200 stock nodes behind a NAT, strangers to us, crowd the hub. Two fresh members behind NATs still
# meet as fast as ever, nobody sends them to the strangers, and the hub stays small.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

crowd=200
internet
public_host hub
homes crowd a b
start_hub
slow_internet 20

spawn crowd "$work/crowd" "$bin_dir/dht_crowd" $crowd "${hub_at%:*}" 3731 3731 </dev/null
wait_for 40 "$crowd strangers are on the hub" grep -q ready "$work/crowd"
capture a eth0 at-a udp
times=()
for round in 1 2 3 4 5; do
  key=$("$meshctl" genkey)
  begin=$(ms)
  for name in a b; do start_node $name --bootstrap "$hub_at" --key "$key"; done
  wait_for 5 "edge between a and b" edge a b
  times+=($(($(ms) - begin)))
  ping_well a "$(overlay6 b)"
  stop_node a
  stop_node b
  rm -rf "$work"/[ab]/state
done
say "start to edge: ${times[*]} ms"
for one in "${times[@]}"; do check "$one ms, at most 2 s" test "$one" -le $((2000 * patience)); done
end "$capture_pid" INT
check "a has never spoken with a stranger" \
  test "$(captured at-a host "11.${gateway_number[gcrowd]}.0.2")" = 0
memory=$(rss_kib "$hub")
check "memory of the hub: $memory KiB, at most 30 MiB" test "$memory" -le $((30 * 1024))
