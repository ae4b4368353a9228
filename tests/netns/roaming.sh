#!/bin/bash
# roaming.sh [BEFORE=60] [AFTER-MS=1200]: the network changes under flows of 100 packets a second, after
# BEFORE of them: they go on, without a new handshake, and the longest time without a packet is printed
# for each. (Not judged by a clock, but for 5 s.) `scripts/bench-mesh roaming` lets them flow for longer:
# who sends only gets more patient with time.
#
#     a ── ga (NAT) ── inet ── b          b public; behind NATs of their own: bn ── gb ── inet
#                  hub ──┘                and cn ── gc ── inet; 40 ms round trip
#     c and d: on two LANs, both families; e and f: on one, IPv4
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

before=${1:-60} after=${2:-1200}
flow_port=5000
receivers=()

# KIND FROM TO: prepares it; start_flows begins all that were prepared.
flow() {
  local kind=$1 from=$2 to=$3 log address
  flow_port=$((flow_port + 1))
  log=$work/flow-$flow_port
  address=$(overlay6 "$to")
  spawn "${node_host[$to]}" "$log.err" python3 "$lib_dir/flow.py" receive "$kind" "$address" \
    "$flow_port" "$log" </dev/null
  receivers+=("$spawned")
  wait_for 5 "$kind $from → $to is ready" test -e "$log.ready" >/dev/null
  flows+=("$kind $from $to $flow_port $address")
}
arrived() { (($(wc -l <"$1") > $2)); }
arrived_after() { (($(tail -n 1 "$1") > $2)); }

# WHAT COMMAND...: under the flows that were prepared. They last until each has gone on for AFTER-MS.
under_flows() {
  local what=$1 senders=() one kind from to port address since gap line="  $1:"
  shift
  for one in "${flows[@]}"; do
    read -r kind from to port address <<<"$one"
    spawn "${node_host[$from]}" "$work/flow-$port.err" python3 "$lib_dir/flow.py" send "$kind" \
      "$address" "$port" 60 </dev/null
    senders+=("$spawned")
  done
  {
    for one in "${flows[@]}"; do
      read -r kind from to port address <<<"$one"
      wait_for 5 "$kind $from → $to flows" arrived "$work/flow-$port" "$before"
    done
    since=$(ms)
    "$@"
    for one in "${flows[@]}"; do
      read -r kind from to port address <<<"$one"
      wait_for 30 "$what: $kind $from → $to goes on" arrived_after "$work/flow-$port" $((since + after))
    done
    for one in "${senders[@]}"; do end "$one"; done
  } >/dev/null
  for one in "${receivers[@]}"; do end "$one"; done
  for one in "${flows[@]}"; do
    read -r kind from to port address <<<"$one"
    gap=$(python3 "$lib_dir/flow.py" gap "$work/flow-$port" "$since") ||
      fail "$what: $kind $from → $to did not go on"
    ((gap < 5000 * patience)) || fail "$what: $kind $from → $to stood still for $gap ms"
    line+=" $kind $from → $to $gap ms,"
  done
  say "${line%,}"
  flows=() receivers=()
}
flows=()

# A B WHAT COMMAND...: with UDP in either direction only, and then with both and TCP.
each_way() {
  local a=$1 b=$2 what=$3
  shift 3
  flow udp "$a" "$b"
  under_flows "$what" "$@"
  flow udp "$b" "$a"
  under_flows "$what" "$@"
  flow udp "$a" "$b"
  flow udp "$b" "$a"
  flow tcp "$a" "$b"
  under_flows "$what" "$@"
}
# From now on no handshake between A and B, unless their keys got too old: begin_keys A B … same_keys.
begin_keys() { keys_of=("$1" "$2") keys_since=$(ms) keys_age=$(peer "$1" "$2" .handshake_age_s); }
kept_keys() {
  local elapsed=$((($(ms) - keys_since) / 1000))
  (($(peer "${keys_of[@]}" .handshake_age_s) >= elapsed - 1 || keys_age + elapsed >= 119))
}
same_keys() { check "no handshake" kept_keys; }

say "over the Internet"
internet
public_host hub
public_host b
gateway port-restricted ga
behind a ga
gateway port-restricted gb
behind bn gb
gateway port-restricted gc
behind cn gc
start_hub
slow_internet 20
key=$("$meshctl" genkey)
for name in a b bn cn; do start_node $name --bootstrap "$hub_at" --key "$key"; done
up a b bn cn
wait_for 10 "edges" eval 'edge a b && edge a bn && edge bn cn'
ping_well a "$(overlay6 b)"
ping_well a "$(overlay6 bn)"
ping_well b "$(overlay6 bn)"
ping_well bn "$(overlay6 cn)"
say "  (here and below: the longest time without a packet)"
begin_keys a b
each_way a b "the NAT of a gets another address, b public" rebind ga
same_keys
# (Each time another one: a record may change five times in a row, then once in 10 s.)
begin_keys bn cn
each_way bn cn "the NAT of bn gets another address, cn behind one, too" rebind gb
same_keys
begin_keys bn cn
each_way bn cn "the NAT of cn gets another address, bn behind one, too" rebind gc
same_keys
begin_keys a bn
each_way a bn "the NAT of a forgets all" flush_mappings ga
same_keys
for name in a b bn cn; do stop_node $name; done

say "on two LANs"
lan lan0 c d
lan lan1
attach c lan1
attach d lan1
start_lan_nodes() {
  local name
  for name; do start_node "$name" --lan-only --key "$key"; done
  up "$@"
  wait_for 5 "edge" edge "$1" "$2"
  ping_well "$1" "$(overlay6 "$2")"
}
start_lan_nodes c d
used_device() {  # what the edge of d goes through
  local local_ip
  local_ip=$(peer d c .path.local | sed -E 's/^\[?([^]]*)\]?:[0-9]+$/\1/')
  inside d ip -j addr | jq -er --arg ip "$local_ip" \
    '.[] | select(any(.addr_info[]; .local == $ip)) | .ifname'
}
heard_there() {  # of c, on the device that was cut
  (($(inside d nft -j list counters | jq '.nftables[] | select(.counter) | .counter.packets') >= 2))
}
heal() {  # what was cut is asked again within 5 s
  inside d nft -f - <<NFT
table inet cut
delete table inet cut
table inet cut {
  counter heard { }
  chain in {
    type filter hook input priority 0
    iifname "$device" udp dport != 3732 counter name "heard"
  }
}
NFT
  inside d ip link set "$device" up
  wait_for 10 "$device is in use again" heard_there
}
cut_silently() {
  device=$(used_device)
  inside d nft -f - <<NFT
table inet cut
delete table inet cut
table inet cut {
  chain in { type filter hook input priority 0; iifname "$device" drop; }
  chain out { type filter hook output priority 0; oifname "$device" drop; }
}
NFT
}
pull_the_cable() {
  device=$(used_device)
  inside d ip link set "$device" down
}
device=
stays 2 "edge" edge c d  # and another one behind it
for what in cut_silently pull_the_cable; do
  begin_keys c d
  for round in "c d" "d c" both; do
    [[ -z $device ]] || heal >/dev/null
    case $round in
      both) flow udp c d; flow udp d c; flow tcp c d ;;
      *) flow udp ${round% *} ${round#* } ;;
    esac
    under_flows "one LAN of two: ${what//_/ }" $what
  done
  same_keys
done
for name in c d; do stop_node $name; done

say "another address"
lan lan2
for name in e f; do attach --no-ipv6 $name lan2; done
start_lan_nodes e f
host_number=70
renumber() {
  host_number=$((host_number + 1))
  inside f ip addr flush dev eth0
  inside f ip addr add "10.${lan_number[lan2]}.0.$host_number/24" brd + dev eth0
}
begin_keys e f
each_way e f "f gets another address" renumber
same_keys
