#!/bin/bash
# One mesh with two members behind a router of each kind: after a while exactly those pairs have an
# edge for which simultaneous open is enough.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
public_host hub
start_hub
slow_internet 20
key=$("$meshctl" genkey)
two_of_each
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
for ((i = 0; i < ${#nat_kinds[@]}; ++i)); do
  for ((j = i; j < ${#nat_kinds[@]}; ++j)); do pairs+=("${nat_kinds[i]} ${nat_kinds[j]}"); done
done
ends() { if [[ $1 == "$2" ]]; then say "${1}1 ${2}2"; else say "${1}1 ${2}1"; fi; }
all_expected() {
  local pair a b
  for pair in "${pairs[@]}"; do
    [[ $(can_punch $pair) == no ]] && continue
    read -r a b <<<"$(ends $pair)"
    connected "$a" "$b" || { missing="$a $b"; return 1; }
  done
}
deadline=$((begin + 60000 * patience))
until all_expected || (($(ms) > deadline)); do sleep 0.5; done
say "all expected edges after $(seconds_of $(($(ms) - begin)))"
# What must not be gets its time, too.
while (($(ms) < begin + 12000)); do sleep 0.5; done

wrong=0
printf '%-18s %-18s %-9s %-5s %s\n' one other expected edge seconds
for pair in "${pairs[@]}"; do
  read -r a b <<<"$(ends $pair)"
  got=no
  connected "$a" "$b" && got=yes
  mark=
  [[ $got == "$(can_punch $pair)" ]] || { mark='  <-- DEVIATION'; wrong=$((wrong + 1)); }
  printf '%-18s %-18s %-9s %-5s %s%s\n' ${pair} "$(can_punch $pair)" $got \
    "$(took_for "$a" "$b")" "$mark"
done
((wrong == 0)) || fail "$wrong pairs deviate"
