#!/bin/bash
# The laboratory itself: each kind of NAT does what its name says, and a reference hole puncher that
# knows nothing but simultaneous open connects exactly the pairs of can_punch. No node takes part.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

command -v conntrack >/dev/null || { say "conntrack is missing: run scripts/setup" >&2; exit 1; }
punch=$lib_dir/punch.py
delay=60  # ms one way, far more than two processes can start apart

internet
public_host echo
two_of_each
echo4=$(address4 echo)
echo6=$(inside echo ip -j -6 addr show dev eth0 scope global | jq -r '.[0].addr_info[0].local')
inside echo ip addr add "${echo4%.*}.3/24" dev eth0
inside echo ip -6 addr add "${echo6%::*}::3/64" dev eth0 nodad
for at in "$echo4 ${echo4%.*}.3" "$echo6 ${echo6%::*}::3"; do
  log=$work/echo${at%% *}
  spawn echo "$log" python3 "$punch" echo $at </dev/null
  wait_for 5 "the echo at $at runs" grep -q ready "$log"
done

# HOST COMMAND...: its output goes to $work/HOST.said; collect the processes with all_done.
running=()
in_background() {
  local name=$1
  shift
  : >"$work/$name.said"
  spawn "$name" "$work/$name.said" python3 "$punch" "$@" </dev/null
  running+=("$spawned")
}
all_done() {
  local one status=0
  for one in "${running[@]}"; do wait "$one" || status=$?; done
  running=()
  ((status == 0)) || { tail -n 3 "$work"/*.said >&2; fail "the puncher failed"; }
}
where() { inside "$1" python3 "$punch" where "$echo4"; }

say "what each kind does"
# KIND: its line from the prober.
described() {
  case $1 in
    open)              echo "nat=no mapping=EI filtering=EI port=kept tuple=free" ;;
    full-cone)         echo "nat=yes mapping=EI filtering=EI port=kept tuple=free" ;;
    restricted)        echo "nat=yes mapping=EI filtering=AD port=kept tuple=free" ;;
    # The customer's own router never sees what the carrier has dropped.
    port-restricted | carrier) echo "nat=yes mapping=EI filtering=APD port=kept tuple=free" ;;
    linux)             echo "nat=yes mapping=EI filtering=APD port=kept tuple=taken" ;;
    sequential)        echo "nat=yes mapping=APD filtering=APD port=sequential tuple=-" ;;
    random)            echo "nat=yes mapping=APD filtering=APD port=random tuple=-" ;;
    firewall*)         echo "nat=no mapping=EI filtering=APD port=kept tuple=free" ;;
  esac
}
# Six at a time: each has to hear from the echo in time.
for ((i = 0; i < ${#nodes[@]}; i += 6)); do
  for name in "${nodes[@]:i:6}"; do
    at="$echo4 ${echo4%.*}.3"
    [[ $name != firewall6* ]] || at="$echo6 ${echo6%::*}::3"
    in_background "$name" kind $at
  done
  all_done
done
for name in "${nodes[@]}"; do
  said=$(<"$work/$name.said")
  check "$name: $said" test "$said" = "$(described "${name%[12]}")"
done
check "a carrier's customer is seen at the carrier's address" \
  eval '[[ $(where carrier1) == "11.${gateway_number[g-carrier1-isp]}.0.2 "* ]]'

say "mappings last, are forgotten, and move"
before=$(where random1)
check "the same port towards the same server" test "$(where random1)" = "$before"
flush_mappings g-random1
refute "another one when the router has forgotten" test "$(where random1)" = "$before"
for kind in full-cone restricted port-restricted linux sequential random carrier; do
  rebind "g-${kind}2"
  check "$kind: now at $address" eval '[[ $(where ${kind}2) == "$address "* ]]'
done

say "simultaneous open, $delay ms one way"
for name in "${!gateway_kind[@]}"; do flush_mappings "$name"; done
slow_internet $delay
rtt=$(inside open1 ping -n -q -c 5 -i 0.2 "$(address4 open2)" |
  sed -nE 's|^rtt[^=]*= ([0-9]+)\..*|\1|p')  # the least of them
check "a round trip takes $rtt ms" test "$rtt" -ge $((2 * delay)) -a "$rtt" -lt $((2 * delay + 15))
mkdir "$work/meeting"
for name in "${nodes[@]}"; do
  case ${name%[12]} in
    open) at="$echo4 $echo6" ;;
    firewall6) at=$echo6 ;;
    *) at=$echo4 ;;
  esac
  in_background "$name" meet "$work/meeting" "$name" ${#nodes[@]} $at
done
all_done

# NAME PEER: milliseconds until the peer's answer, or "no".
met() {
  awk -v p="$2" '$2 == p {print $3; found = 1} END {if (!found) print "no"}' "$work/meeting/$1.met"
}
# KIND KIND: the milliseconds of all ordered pairs of hosts of these kinds, in both directions.
met_all() {
  local a b
  for a in "${1}1" "${1}2"; do
    for b in "${2}1" "${2}2"; do
      [[ $a == "$b" ]] || { met "$a" "$b"; met "$b" "$a"; }
    done
  done
}
wrong=0
printf '%-16s %-16s %-9s %s\n' one other expected milliseconds
for ((i = 0; i < ${#nat_kinds[@]}; ++i)); do
  for ((j = i; j < ${#nat_kinds[@]}; ++j)); do
    a=${nat_kinds[i]} b=${nat_kinds[j]} mark=
    expected=$(can_punch "$a" "$b")
    mapfile -t times < <(met_all "$a" "$b" | sort -n)
    for one in "${times[@]}"; do
      got=yes
      [[ $one != no ]] || got=no
      [[ $got == "$expected" ]] || mark='  <-- DEVIATION'
    done
    [[ -z $mark ]] || wrong=$((wrong + 1))
    printf '%-16s %-16s %-9s %s%s\n' "$a" "$b" "$expected" "${times[0]}..${times[-1]}" "$mark"
  done
done
((wrong == 0)) || fail "$wrong pairs of kinds deviate"
