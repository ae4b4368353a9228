# shellcheck shell=bash disable=SC2034,SC2154
# An Internet of namespaces with home routers of every kind. To be sourced after lib.sh.
#
#   internet                     the middle: a router that each public host has a link of its own to
#   public_host hub              a host with 11.N.0.2 and 2a00:N::2
#   gateway port-restricted g1   a router of that kind: public side as above, LAN side 192.168.N.1
#   behind a g1                  a host on its LAN; $address is the address
#
# Kinds, in the words of RFC 4787 (mapping/filtering; EI endpoint-independent, AD address-dependent,
# APD address-and-port-dependent):
#   full-cone        EI/EI, for UDP port $node_port of the first host behind it
#   restricted       EI/AD, likewise
#   port-restricted  EI/APD; what nobody asked for is dropped
#   linux            EI/APD; what nobody asked for is answered with ICMP unreachable
#   sequential       APD/APD, ports one after the other
#   random           APD/APD, random ports
#   carrier          a linux router behind a carrier's NAT: EI/APD twice
#   firewall         no NAT: a stateful firewall in front of public IPv4 addresses
#   firewall6        likewise, IPv6 only
# and "open", a public host without any of it.

node_port=40000
nat_kinds=(open full-cone restricted port-restricted linux sequential random carrier firewall
  firewall6)
links=0
declare -A gateway_kind=() gateway_hosts=() gateway_number=()

internet() {
  host inet
  inside inet sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# NAME: one more cable to the middle. Sets $number, $address and $device.
public_host() {
  local name=$1
  [[ -n ${ethernets[$name]:-} ]] || host "$name"
  links=$((links + 1))
  number=$links
  device=eth${ethernets[$name]}
  ethernets[$name]=$((ethernets[$name] + 1))
  ip link add "$device" netns "$prefix$name" type veth peer name "to$number" netns "$prefix"inet
  inside "$name" sysctl -qw "net.ipv6.conf.$device.accept_dad=0"
  inside inet sysctl -qw "net.ipv6.conf.to$number.accept_dad=0"
  address=11.$number.0.2
  inside inet ip addr add "11.$number.0.1/24" dev "to$number"
  inside inet ip -6 addr add "2a00:$number::1/64" dev "to$number"
  inside inet ip link set "to$number" up
  inside "$name" ip addr add "$address/24" dev "$device"
  inside "$name" ip -6 addr add "2a00:$number::2/64" dev "$device"
  inside "$name" ip link set "$device" up
  inside "$name" ip route add default via "11.$number.0.1"
  inside "$name" ip -6 route add default via "2a00:$number::1"
}

# NAME: its LAN side, with forwarding on. Needs $number.
lan_side() {
  inside "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  inside "$1" ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
  inside "$1" ip link set br0 up
  gateway_hosts[$1]=0
  gateway_number[$1]=$number
}

# KIND NAME [LAN-PREFIX]: LAN-PREFIX is 192.168.N by default.
gateway() {
  local kind=$1 name=$2
  gateway_kind[$name]=$kind
  if [[ $kind == carrier ]]; then
    gateway port-restricted "$name-isp" "100.64.$((links + 1))"
    behind "$name" "$name-isp"
    number=${gateway_number[$name-isp]}
    gateway_kind[$name]=carrier
  else
    public_host "$name"
  fi
  lan_side "$name"
  local lan=${3:-192.168.$number}
  case $kind in
    firewall) lan=12.$number.0; inside inet ip route add "$lan.0/24" via "11.$number.0.2" ;;
    firewall6) inside inet ip -6 route add "2a00:f$number::/64" via "2a00:$number::2" ;;
  esac
  if [[ $kind == firewall6 ]]; then
    inside "$name" ip -6 addr add "2a00:f$number::1/64" dev br0 nodad
  else
    inside "$name" ip addr add "$lan.1/24" dev br0
  fi
  gateway_lan[$name]=$lan
  nat_rules "$kind" "$lan" "11.$number.0.2" | inside "$name" nft -f -
}
declare -A gateway_lan=()

# Two hosts of each kind, KIND1 and KIND2, each with a gateway of its own, g-NAME. Sets $nodes.
two_of_each() {
  local kind side name
  nodes=()
  for kind in "${nat_kinds[@]}"; do
    for side in 1 2; do
      name=$kind$side
      nodes+=("$name")
      if [[ $kind == open ]]; then
        public_host "$name"
      else
        gateway "$kind" "g-$name"
        behind "$name" "g-$name"
      fi
    done
  done
}

# KIND KIND: yes or no: what simultaneous open can do, and why (RFC 5128 §3.3; nat_kinds.sh
# measures it with a reference hole puncher).
can_punch() {
  local pair
  for pair in "$1 $2" "$2 $1"; do
    case $pair in
      "firewall6 firewall6" | "firewall6 open") echo yes; return ;;  # both speak IPv6
      "firewall6 "*) echo no; return ;;                              # no family in common
    esac
  done
  for pair in "$1 $2" "$2 $1"; do
    case $pair in
      # A new port for each destination: who filters by port never hears from it, others learn it
      # from the first datagram. (Guessing ports is not built.)
      "sequential open" | "sequential full-cone" | "sequential restricted") echo yes; return ;;
      "random open" | "random full-cone" | "random restricted") echo yes; return ;;
      "sequential "* | "random "*) echo no; return ;;
    esac
  done
  echo yes  # both ports are known beforehand, and each side's own datagram lets the other's in
}

# GATEWAY: it forgets every mapping and connection, as after a restart.
flush_mappings() { inside "$1" conntrack -F >/dev/null 2>&1; }

# GATEWAY: its next public IPv4 address, and no mappings. Sets $address. What a carrier's customer
# has is decided by GATEWAY-isp.
rebind() {
  local name=$1 number lan=${gateway_lan[$1]} kind=${gateway_kind[$1]}
  case $kind in
    carrier) rebind "$name-isp"; return ;;
    firewall | firewall6) fail "rebind: a $kind has no address of its own to give" ;;
  esac
  number=${gateway_number[$name]}
  gateway_rebound[$name]=$((${gateway_rebound[$name]:-2} + 1))
  address=11.$number.0.${gateway_rebound[$name]}
  inside "$name" ip -4 addr flush dev eth0
  inside "$name" ip addr add "$address/24" dev eth0
  inside "$name" ip route add default via "11.$number.0.1"
  inside "$name" nft delete table inet nat
  nat_rules "$kind" "$lan" "$address" | inside "$name" nft -f -
  flush_mappings "$name"
}
declare -A gateway_rebound=()

# COUNT: "0 : 20000, 1 : 20001, ..."
ports_in_turn() {
  local i
  for ((i = 0; i < $1; ++i)); do printf '%d : %d, ' "$i" $((20000 + i)); done
}

# KIND LAN PUBLIC: the nft rules.
nat_rules() {
  local kind=$1 lan=$2 public=$3 how=masquerade
  local unasked='drop' inward=''
  case $kind in
    random) how='masquerade random,fully-random' ;;
    # (A bare numgen would count in the other byte order: steps of 256.)
    sequential) how="snat ip to $public:numgen inc mod 2000 map { $(ports_in_turn 2000) }" ;;
    linux | carrier) unasked='accept' ;;
    full-cone) inward="udp dport $node_port dnat ip to $lan.2" ;;
    restricted) inward="udp dport $node_port ip saddr @spoken dnat ip to $lan.2" ;;
    firewall | firewall6) how='' ;;
  esac
  cat <<RULES
table inet nat {
  set spoken { type ipv4_addr; flags dynamic; timeout 5m; }
  chain inward { type nat hook prerouting priority dstnat; iifname "eth0" $inward; }
  chain outward { type nat hook postrouting priority srcnat; oifname "eth0" meta nfproto ipv4 meta l4proto udp $how; }
  chain forward {
    type filter hook forward priority filter; policy accept;
    oifname "eth0" update @spoken { ip daddr }
    iifname "eth0" ct state new ct status dnat accept
    iifname "eth0" ct state new drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "eth0" ct state new meta l4proto udp $unasked
  }
}
RULES
}

# HOST GATEWAY: sets $address, $device.
behind() {
  local name=$1 gate=$2 count
  [[ -n ${ethernets[$name]:-} ]] || host "$name"
  count=$((gateway_hosts[$gate] + 1))
  gateway_hosts[$gate]=$count
  device=eth${ethernets[$name]}
  ethernets[$name]=$((ethernets[$name] + 1))
  ip link add "$device" netns "$prefix$name" type veth peer name "h$count" netns "$prefix$gate"
  inside "$gate" ip link set "h$count" master br0 up
  if [[ ${gateway_kind[$gate]} == firewall6 ]]; then
    inside "$name" sysctl -qw "net.ipv6.conf.$device.accept_dad=0"
    address=2a00:f${gateway_number[$gate]}::$((count + 1))
    inside "$name" ip -6 addr add "$address/64" dev "$device"
    inside "$name" ip link set "$device" up
    inside "$name" ip -6 route add default via "2a00:f${gateway_number[$gate]}::1"
  else
    inside "$name" sysctl -qw "net.ipv6.conf.$device.disable_ipv6=1"
    address=${gateway_lan[$gate]}.$((count + 1))
    inside "$name" ip addr add "$address/24" dev "$device"
    inside "$name" ip link set "$device" up
    inside "$name" ip route add default via "${gateway_lan[$gate]}.1"
  fi
}

# NAME...: each behind a port-restricted gateway of its own, gNAME.
homes() {
  local name
  for name; do
    gateway port-restricted "g$name"
    behind "$name" "g$name"
  done
}

# [--in HOST] OPTION...: meshhub without privileges; sets $hub, and $hub_at to HOST:PORT.
start_hub() {
  local host=hub
  [[ ${1:-} != --in ]] || { host=$2; shift 2; }
  [[ -x $bin_dir/meshhub ]] || { say "no $bin_dir/meshhub: build first" >&2; exit 1; }
  : >"$work/$host.out"
  spawn "$host" "$work/$host.out" setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
    --inh-caps=-all --bounding-set=-all "$bin_dir/meshhub" "$@" </dev/null
  hub=$spawned
  wait_for 5 "$host is ready" grep -q ' ready on ' "$work/$host.out"
  hub_at=$(address4 "$host"):3731
}

# MILLISECONDS [LOSS-PERCENT [SEED]]: from now on each datagram through the middle takes that long,
# one way, and some never arrive.
slow_internet() {
  : >"$work/delay.out"
  spawn inet "$work/delay.out" "$bin_dir/delay_router" delay0 "$@" </dev/null
  wait_for 5 "the delaying router runs" grep -q ready "$work/delay.out"
  inside inet ip link set delay0 up mtu 1500 txqueuelen 10000
  local setting
  for setting in $(inside inet sysctl -aN -r '^net\.ipv4\.conf\..*\.rp_filter$'); do
    inside inet sysctl -qw "$setting=0"
  done
  local family
  for family in -4 -6; do
    inside inet ip $family route add default dev delay0 table 100
    inside inet ip $family rule add iif delay0 lookup main priority 100
    inside inet ip $family rule add iif lo lookup main priority 101
    inside inet ip $family rule add lookup 100 priority 102
  done
}
