#!/bin/bash
# The ground under the other tests: hosts reach each other over the LAN, captures see it, and whatever
# way a test ends, nothing of it stays behind.
#
#     a 10.61.0.1 ── br0 10.61.0.254 ── b 10.61.0.2      and a child that makes the same and is ended
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b
capture lan0 br0 wire icmp
check "a reaches b by IPv4" test "$(ping_loss a "$(address4 b)" -c 3 -i 0.02)" = 0
check "a reaches b by IPv6" test "$(ping_loss a "$(address6 b)%eth0" -c 3 -i 0.02)" = 0
check "the gateway answers" inside a ping -q -c 1 -W 1 10.61.0.254
refute "a host that is not there does not" inside a ping -q -c 1 -W 1 10.61.0.99
wait_for 2 "the capture saw it" captured_at_least 6 wire "host $(address4 b)"
end "$capture_pid" INT
check "loss is counted" test "$(ping_loss a 10.61.0.99 -c 3 -i 0.1 || true)" = 3

say "whatever way a test ends"
cat >"$work/child.sh" <<'CHILD'
. "$1/lib.sh"
lan lan0 x y
spawn x "$work/log" sleep 100 </dev/null
# Before that it does not know yet that it is to die with this shell.
until [[ $(cat "/proc/$spawned/comm") == sleep ]]; do sleep 0.01; done
echo "$prefix $spawned $work" >"$2"
case $3 in
  fail) fail "on purpose" ;;
  false) false ;;
  *) wait_for 60 "the end" false ;;
esac
CHILD
left() { ip netns list | grep -q "^$1"; }
for way in fail false INT TERM KILL; do
  rm -f "$work/child"
  env --default-signal=INT bash "$work/child.sh" "$lib_dir" "$work/child" $way \
    >"$work/child.log" 2>&1 </dev/null &
  child=$!
  started+=("$child")
  wait_for 10 "child, to be ended by $way" test -s "$work/child"
  read -r child_prefix child_process child_work <"$work/child"
  case $way in
    fail | false) wait_for 10 "it ends by itself" ended "$child" && end "$child" ;;
    *) end "$child" $way 10 ;;
  esac
  case $way in
    fail | false) expected=1 ;;
    INT) expected=130 ;;
    TERM) expected=143 ;;
    KILL) expected=137 ;;
  esac
  check "$way: exit $expected" test "$exit_code" = "$expected"
  wait_for 10 "$way: its process is gone" ended "$child_process"
  if [[ $way == KILL ]]; then
    check "KILL: its namespaces are left" left "$child_prefix"
    sweep
  fi
  refute "$way: no namespace is left" left "$child_prefix"
  check "$way: its folder is gone" test ! -e "$child_work"
done
