#!/bin/bash
# `meshctl netcheck` without any meshnode names what each kind of NAT in the laboratory does, by asking
# a hub with two addresses; with one address it says what it can; it sees a hairpin, how long a mapping
# lasts, and that nobody answers.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
public_host hub
hub4=$(address4 hub)
hub6=$(inside hub ip -j -6 addr show dev eth0 scope global | jq -r '.[0].addr_info[0].local')
inside hub ip addr add "${hub4%.*}.3/24" dev eth0
inside hub ip -6 addr add "${hub6%::*}::3/64" dev eth0 nodad
start_hub -a "$hub4" -a "${hub4%.*}.3" -a "$hub6" -a "${hub6%::*}::3"
slow_internet 5
nodes=()
for kind in "${nat_kinds[@]}"; do
  nodes+=("$kind")
  if [[ $kind == open ]]; then
    public_host "$kind"
  else
    gateway "$kind" "g-$kind"
    behind "$kind" "g-$kind"
  fi
done

# HOST [OPTION...]: netcheck in the background; its JSON goes to $work/HOST.json.
checks=()
check_net() {
  local name=$1
  shift
  rm -f "$work/$name.json"
  spawn "$name" "$work/$name.err" bash -c 'exec "$0" netcheck --json "${@:2}" >"$1"' \
    "$meshctl" "$work/$name.json" --port $node_port "$@" </dev/null
  checks+=("$spawned")
}
all_checked() {
  local one
  for one in "${checks[@]}"; do
    wait_for 30 "netcheck $one ends" ended "$one"
    end "$one"
    [[ $exit_code == 0 ]] || { cat "$work"/*.err >&2; fail "netcheck ended with $exit_code"; }
  done
  checks=()
}
says() { jq -er "$2" "$work/$1.json"; }
# HOST FAMILY: mapping, filtering, port preserved, hairpin.
found() { says "$1" ".$2 | \"\(.mapping) \(.filtering) \(.port_preserved) \(.hairpin)\""; }

say "what each kind does"
described() {
  local ei=endpoint-independent ad=address-dependent apd=address-and-port-dependent
  case $1 in
    open) echo "none $ei null null" ;;
    full-cone) echo "$ei $ei true false" ;;
    restricted) echo "$ei $ad true false" ;;
    port-restricted | linux | carrier) echo "$ei $apd true false" ;;
    sequential | random) echo "$apd $apd false false" ;;
    firewall*) echo "none $apd null null" ;;
  esac
}
for name in "${nodes[@]}"; do
  case $name in
    firewall6) check_net "$name" --bootstrap "[$hub6]:3731" ;;
    *) check_net "$name" --bootstrap "$hub4:3731" ;;
  esac
done
all_checked
for name in "${nodes[@]}"; do
  family=ipv4
  [[ $name != firewall6 ]] || family=ipv6
  check "$name: $(found "$name" $family)" test "$(found "$name" $family)" = "$(described "$name")"
done
check "where it is seen" test "$(says linux .ipv4.seen_as)" = \
  "11.${gateway_number[g-linux]}.0.2:$node_port"
check "the round trip" says linux '.servers[0] | .answered and .rtt_ms >= 10 and .rtt_ms < 100'
check "no IPv6 behind IPv4 routers" says linux '.ipv6 | (.address or .answered) | not'

say "a hairpin, a lifetime, both families"
gate=g-full-cone
public=11.${gateway_number[$gate]}.0.2
inside "$gate" nft -f - <<RULES
table ip hairpin {
  chain inward { type nat hook prerouting priority dstnat - 1; iifname "br0" ip daddr $public udp dport $node_port dnat to ${gateway_lan[$gate]}.2; }
  chain outward { type nat hook postrouting priority srcnat - 1; oifname "br0" ip saddr ${gateway_lan[$gate]}.0/24 masquerade; }
}
RULES
# Where bridges are filtered, too, a packet back out of its own port would never be routed.
inside "$gate" sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
for sysctl in nf_conntrack_udp_timeout nf_conntrack_udp_timeout_stream; do
  inside g-port-restricted sysctl -qw "net.netfilter.$sysctl=7"
done
check_net full-cone --bootstrap "$hub4:3731"
check_net port-restricted --bootstrap "$hub4:3731" --lifetime 12
check_net open --bootstrap "$hub4:3731" --bootstrap "[$hub6]:3731"
all_checked
check "a hairpin" says full-cone .ipv4.hairpin
check "a mapping lasts between 5 and 10 s" says port-restricted \
  '.ipv4.lifetime == {"alive_s": 5, "gone_s": 10}'
check "progress is said" grep -q 'how long a mapping lasts' "$work/port-restricted.err"
check "both families" says open '[.ipv4, .ipv6] | all(.answered and .mapping == "none")'
check "a server for each" says open '.servers | length == 2 and all(.answered)'

say "for people"
inside sequential "$meshctl" netcheck --bootstrap "$hub4:3731" >"$work/out" 2>/dev/null
sed 's/^/  | /' "$work/out"
check "the mapping" grep -qE 'mapping +address-and-port-dependent' "$work/out"
check "the server" grep -qE "$hub4:3731 .* answers .* ms" "$work/out"
check "no colour" not grep -q $'\033' "$work/out"

say "the servers of a running meshnode"
start_node linux --bootstrap "$hub4:3731"
up linux
inside linux timeout 20 "$meshctl" --control "$work/linux/control.sock" netcheck --json \
  >"$work/linux.json" 2>/dev/null
check "they are asked" says linux '.servers[0].name == "'"$hub4:3731"'" and .servers[0].answered'
stop_node linux

say "a hub with one address"
end "$hub"
start_hub -a "$hub4"
check_net restricted --bootstrap "$hub4:3731"
check_net random --bootstrap "$hub4:3731"
all_checked
check "random: $(found random ipv4)" test "$(found random ipv4)" = "$(described random)"
check "restricted: $(found restricted ipv4)" test "$(found restricted ipv4)" = \
  "not-port-dependent not-port-dependent true false"

say "nobody answers, and nobody to ask"
inside linux bash -c "! timeout 15 '$meshctl' netcheck --json --bootstrap 11.250.0.9:3731" \
  >"$work/linux.json" 2>"$work/err"
check "told, exit 1" says linux '(.udp | not) and .ipv4.mapping == "unknown"'
check "in a sentence" grep -q 'no server answers' "$work/err"
refused linux 2 'say whom to ask' "$meshctl" --control "$work/none" netcheck
refused linux 2 'HOST:PORT' "$meshctl" netcheck --bootstrap nonsense
refused linux 2 'lifetime' "$meshctl" netcheck --bootstrap "$hub4:3731" --lifetime 4
