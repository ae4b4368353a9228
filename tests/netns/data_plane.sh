#!/bin/bash
# What goes through the tunnel comes out as it was, byte by byte, on each rung of the fallback ladder:
# as the kernel has it, with each part switched off, on kernels that lack it, forwarded to a machine
# behind an interface without any offload, and with loss, reordering and duplication underway.
#
#     a ── lan0 ── b ── veth without offloads ── c        mesh0 on a and b: 10.77.0.1, 10.77.0.2
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
command -v ethtool >/dev/null || { say "ethtool is missing: run scripts/setup" >&2; exit 1; }

port=7000
inner4=(10.77.0.1 10.77.0.2)
lan --no-ipv6 lan0 a b
key=$("$meshctl" genkey)

serve() {  # HOST
  : >"$work/serve-$1"
  spawn "$1" "$work/serve-$1" python3 "$lib_dir/transfer.py" serve "$port" </dev/null
  wait_for 5 "$1 serves" grep -q ready "$work/serve-$1"
}
# HOST [OPTION...] ADDRESS...
transfer() {
  local host=$1
  shift
  inside "$host" timeout 30 python3 "$lib_dir/transfer.py" send --seed "$RANDOM" "$port" "$@"
}
start_pair() {  # [OPTION...]
  start_node a --lan-only --key "$key" --address "${inner4[0]}/24" "$@"
  start_node b --lan-only --key "$key" --address "${inner4[1]}/24" "$@"
  up a b
  wait_for 3 "edge between a and b" edge a b
}
stop_pair() { stop_node a; stop_node b; : >"$work/a/log"; : >"$work/b/log"; }
both_ways() {  # DESCRIPTION
  check "$1: a to b" transfer a --tcp 1500000 --udp 6 "${inner4[1]}" "$(overlay6 b)"
  check "$1: b to a" transfer b --tcp 500000 --udp 6 "${inner4[0]}" "$(overlay6 a)"
}
# The rung is not there on either side, says why, and was logged once; what is lost at run time is
# looked at each second.
is_off() {  # RUNG REASON
  local name
  for name in a b; do
    wait_for 3 "$name: without $1: $2" holds "$name" --arg rung "$1" --arg why "$2" \
      '.data_plane[$rung] | .active == false and (.reason | test($why))'
    check "$name: logged once" test "$(grep -c "data plane without $1: " "$work/$name/log")" = 1
  done
  check "and status says so" grep -q "^data plane without .*$1" <(ctl a status)
}

# COUNT: at least so many datagrams of ten pings with DSCP EF show it outside.
marked() {
  local name=marked$RANDOM
  capture lan0 br0 "$name" udp
  ping_loss a "${inner4[1]}" -c 10 -i 0.02 -Q 0xb8 >/dev/null
  wait_for 3 "they were captured" captured_at_least 20 "$name"
  end "$capture_pid" INT
  captured_at_least "$1" "$name" 'ip[1] & 0xfc = 0xb8'
}

serve a
serve b

say "as the kernel has it"
start_pair
say "  $(ctl a status | grep '^data plane')"
both_ways "everything"
refute "no DSCP outside" marked 1
check "no drops of the interface" holds b '.drops["tun-failed"] // 0 | . == 0'

say "forwarded to an interface without offloads"
host c
ip link add out0 netns "${prefix}b" type veth peer name eth0 netns "${prefix}c"
inside b ip addr add 10.88.0.1/24 dev out0
inside b ip -6 addr add fd88::1/64 dev out0 nodad
inside c ip addr add 10.88.0.3/24 dev eth0
inside c ip -6 addr add fd88::3/64 dev eth0 nodad
for end in b:out0 c:eth0; do
  inside "${end%:*}" ip link set "${end#*:}" up
  inside "${end%:*}" ethtool -K "${end#*:}" tso off gso off gro off tx off >/dev/null 2>&1
done
inside c ip route add default via 10.88.0.1
inside c ip -6 route add default via fd88::1
inside b sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
inside b nft -f - <<'RULES'
table ip forwarded {
  chain in {
    type nat hook prerouting priority dstnat;
    iifname "mesh0" meta l4proto { tcp, udp } th dport 7000 dnat to 10.88.0.3;
  }
}
table ip6 forwarded {
  chain in {
    type nat hook prerouting priority dstnat;
    iifname "mesh0" meta l4proto { tcp, udp } th dport 7000 dnat to fd88::3;
  }
}
RULES
serve c
check "through b to c and back" transfer a --tcp 1500000 --udp 6 "${inner4[1]}" "$(overlay6 b)"
check "c has seen it" \
  test "$(inside c cat /sys/class/net/eth0/statistics/rx_packets)" -ge 2000
inside b nft delete table ip forwarded
inside b nft delete table ip6 forwarded

say "loss, reordering and duplication on the way from a to b"
: >"$work/lossy.out"
spawn a "$work/lossy.out" "$bin_dir/delay_router" lossy0 0 2 "$RANDOM" 5 3 </dev/null
lossy=$spawned
wait_for 5 "the lossy way is there" grep -q ready "$work/lossy.out"
inside a ip link set lossy0 up mtu 1500 txqueuelen 10000
inside a sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.lossy0.accept_local=1 \
  net.ipv4.conf.lossy0.rp_filter=0 net.ipv4.conf.all.rp_filter=0
inside a ip route add 10.61.0.2 dev lossy0 table 100
inside a ip rule add iif lo to 10.61.0.2 lookup 100 priority 100
check "a to b" transfer a --lossy --tcp 400000 --udp 8 "${inner4[1]}" "$(overlay6 b)"
check "the lossy way carried it" \
  test "$(inside a cat /sys/class/net/lossy0/statistics/tx_packets)" -ge 500
check "b has met copies, and dropped them" holds b '.drops.replayed > 0'
inside a ip rule del priority 100
end "$lossy"
stop_pair

say "DSCP outside where it is wanted"
start_pair --data_plane.copy_dscp on
check "both ways" marked 20
stop_pair

say "two threads"
threaded() { grep -qx meshnode-seal /proc/"$(worker_of "$1")"/task/*/comm; }
start_pair --data_plane.threads 2
for name in a b; do
  check "$name: status and system show them" holds "$name" '.data_plane.threads == 2'
  check "$name: the second one is there" threaded "$name"
done
both_ways "everything, from the second thread"
check "its packets are counted" holds a '.peers[0] | .tx_packets > 500 and .tx_bytes > 1500000'
inside a ip route add 10.77.0.99/32 dev mesh0
check "who asks for nobody hears that there is none" \
  grep -qi unreachable <(inside a ping -n -c 1 -W 1 10.77.0.99 || true)
stop_node b
wait_for 2 "a hears the goodbye" grep -q "said goodbye" "$work/a/log"
stop_node a
: >"$work/a/log"
: >"$work/b/log"
start_pair --data_plane.threads 2 --data_plane.copy_dscp on --data_plane.udp_gso off
check "DSCP outside, both ways" marked 20
both_ways "without udp_gso, from the second thread"
say "  the interface is deleted"
orphan=${pid[a]}
unset "pid[a]"
inside a ip link del mesh0
wait_for 3 "the node ends" ended "$orphan"
check "and says why" grep -q "was deleted: stopping" "$work/a/log"
stop_node b
: >"$work/a/log"
: >"$work/b/log"
start_pair --data_plane.threads 1
check "one thread: status says so" holds a '.data_plane.threads == 1'
refute "and there is no other" threaded a
stop_pair

say "switched off"
for rung in tun_offloads tun_tcp_coalescing tun_udp_coalescing udp_gso udp_gro ipsec_mb; do
  start_pair "--data_plane.$rung" off
  is_off "$rung" "switched off"
  both_ways "without $rung"
  stop_pair
done

say "kernels that lack it"
for lack in vnet-header:tun_offloads tun-offload:tun_offloads uso:tun_udp_coalescing \
    udp-segment:udp_gso udp-gro:udp_gro batches:udp_batches; do
  node_wrapper=("$bin_dir/older_kernel" "${lack%:*}")
  start_pair
  node_wrapper=()
  both_ways "without ${lack%:*}"
  is_off "${lack#*:}" kernel
  stop_pair
done
