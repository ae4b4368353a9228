#!/bin/bash
# One mesh with two members behind a router of each kind: after a while exactly those pairs have an
# edge for which simultaneous open is enough.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

kinds=(open full-cone restricted port-restricted linux sequential random carrier firewall firewall6)

# KIND KIND: what is possible, and why (RFC 5128 §3.3, measured with a reference hole puncher).
expected() {
  local a=$1 b=$2 kind
  for kind in "$a $b" "$b $a"; do
    case $kind in
      "firewall6 firewall6" | "firewall6 open") echo yes; return ;;  # both speak IPv6
      "firewall6 "*) echo no; return ;;                              # no family in common
    esac
  done
  for kind in "$a $b" "$b $a"; do
    case $kind in
      # A new port for each destination: who filters by port never hears from it. (Guessing ports
      # is not built.)
      "sequential open" | "sequential full-cone" | "sequential restricted") echo yes; return ;;
      "random open" | "random full-cone" | "random restricted") echo yes; return ;;
      "sequential "* | "random "*) echo no; return ;;
    esac
  done
  echo yes
}

internet
public_host hub
start_hub
slow_internet 20
key=$("$meshctl" genkey)
nodes=()
for kind in "${kinds[@]}"; do
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
hub6=[$(inside hub ip -j -6 addr show dev eth0 scope global | jq -r '.[0].addr_info[0].local')]:3731
begin=$(ms)
for name in "${nodes[@]}"; do
  at=$hub_at
  [[ $name != firewall6* ]] || at=$hub6
  start_node "$name" --bootstrap "$at" --key "$key" --port $node_port
done
up "${nodes[@]}"

# NAME NAME: the number of milliseconds until the first said so, or nothing.
took_for() {
  sed -nE "s/.*\b$2 connected directly in ([0-9.]+) s.*/\1/p" "$work/$1/log" | head -n 1
}
connected() { [[ -n $(took_for "$1" "$2") && -n $(took_for "$2" "$1") ]]; }
pairs=()
for ((i = 0; i < ${#kinds[@]}; ++i)); do
  for ((j = i; j < ${#kinds[@]}; ++j)); do pairs+=("${kinds[i]} ${kinds[j]}"); done
done
ends() { if [[ $1 == "$2" ]]; then say "${1}1 ${2}2"; else say "${1}1 ${2}1"; fi; }
all_expected() {
  local pair a b
  for pair in "${pairs[@]}"; do
    [[ $(expected $pair) == no ]] && continue
    read -r a b <<<"$(ends $pair)"
    connected "$a" "$b" || { missing="$a $b"; return 1; }
  done
}
deadline=$((begin + 60000 * patience))
until all_expected || (($(ms) > deadline)); do sleep 0.5; done
say "all expected edges after $(seconds_of $(($(ms) - begin)))"

wrong=0
printf '%-18s %-18s %-9s %-5s %s\n' one other expected edge seconds
for pair in "${pairs[@]}"; do
  read -r a b <<<"$(ends $pair)"
  got=no
  connected "$a" "$b" && got=yes
  mark=
  [[ $got == "$(expected $pair)" ]] || { mark='  <-- DEVIATION'; wrong=$((wrong + 1)); }
  printf '%-18s %-18s %-9s %-5s %s%s\n' ${pair} "$(expected $pair)" $got \
    "$(took_for "$a" "$b")" "$mark"
done
((wrong == 0)) || fail "$wrong pairs deviate"
