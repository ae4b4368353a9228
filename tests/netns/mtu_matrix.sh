#!/bin/bash
# Underlays of many sizes, and nobody says so: all ICMP is filtered. 1 MiB by TCP and 60,000 bytes
# in one UDP datagram come through whole, there and back; an MTU that shrinks in mid-flow stops it
# for a short time only.
#
#     a ── near ── r (meshnode, so that they hear of each other) ─┬─ far link of 576 ── b576
#                                                                 └─ … of 9000 ── b9000
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

sizes=(576 1124 1280 1400 1500 9000)
bulk=(python3 "$lib_dir/bulk.py")

mute() {  # HOST: neither sends nor takes an ICMP error on its cables
  inside "$1" nft -f - <<'RULES'
table inet mute {
  chain out {
    type filter hook output priority 0
    oifname "eth*" icmp type destination-unreachable drop
    oifname "eth*" icmpv6 type { packet-too-big, destination-unreachable } drop
  }
  chain in {
    type filter hook input priority 0
    iifname "eth*" icmp type destination-unreachable drop
    iifname "eth*" icmpv6 type { packet-too-big, destination-unreachable } drop
  }
}
RULES
}

lan near a r
inside r sysctl -qw net.ipv4.ip_forward=1
inside a ip route replace 10.0.0.0/8 via "$(address4 r)"
inside a ip link set eth0 mtu 9000
inside r ip link set eth0 mtu 9000
inside near ip link set a-eth0 mtu 9000
inside near ip link set r-eth0 mtu 9000
for size in "${sizes[@]}"; do
  lan "far$size" "b$size"
  attach r "far$size"
  inside "b$size" ip route replace 10.0.0.0/8 via "$(address4 r "$device")"
  for end in "b$size eth0" "r $device" "far$size b$size-eth0" "far$size r-$device"; do
    read -r host_name link <<<"$end"
    inside "$host_name" ip link set "$link" mtu "$size"
  done
  [[ $size != 1500 ]] || changing=$device
  mute "b$size"
done
mute a
mute r

start_node r --lan-only
up r
token=$(token_of r)
start_node --stdin "$token" a --lan-only --key @- --address 10.77.0.1/24
number=1
for size in "${sizes[@]}"; do
  number=$((number + 1))
  start_node --stdin "$token" "b$size" --lan-only --key @- --address "10.77.0.$number/24"
done
for size in "${sizes[@]}"; do wait_for 15 "edge between a and b$size" edge a "b$size"; done

carry() {  # SIZE: its report goes to $work/result-SIZE
  local size=$1 address what
  for address in "$(overlay4 "b$size")" "$(overlay6 "b$size")"; do
    : >"$work/serve-$size"
    spawn "b$size" "$work/serve-$size" "${bulk[@]}" serve "$address" 5000 </dev/null
    local server=$spawned
    until grep -q ready "$work/serve-$size"; do sleep 0.05; done
    for what in "tcp 1048576" "udp 60000"; do
      # shellcheck disable=SC2086
      set -- $what
      if inside a timeout 30 "${bulk[@]}" "$1" "$address" 5000 "$2"; then
        echo "ok $1 $address" >>"$work/result-$size"
      else
        echo "bad $1 $address" >>"$work/result-$size"
      fi
    done
    end "$server" TERM
  done
}

carriers=()
for size in "${sizes[@]}"; do
  carry "$size" &
  carriers+=($!)
done
wait "${carriers[@]}"
for size in "${sizes[@]}"; do
  check "$size: all four transfers came through whole ($(tr '\n' ' ' <"$work/result-$size"))" \
    test "$(grep -c '^ok' "$work/result-$size")" = 4
done

say "the link of 1500 becomes one of 1280, then of 576"
address=$(overlay6 b1500)
spawn b1500 "$work/serve" "${bulk[@]}" serve "$address" 5000 </dev/null
for after in 1280 576; do
  spawn a "$work/gap-$after" "${bulk[@]}" flow "$address" 5000 10 1200 </dev/null
  flowing=$spawned
  wait_for 8 "the flow is under way" grep -q flows "$work/gap-$after"
  inside r ip link set "$changing" mtu "$after"
  inside b1500 ip link set eth0 mtu "$after"
  while ! ended "$flowing"; do sleep 0.1; done
  gap=$(tail -n 1 "$work/gap-$after")
  say "  the flow stood still for $gap ms when the link became one of $after (goal 3,000)"
  check "to $after: the flow goes on" test "$gap" -lt $((6000 * patience))
done
