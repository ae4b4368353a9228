#!/bin/bash
# OpenDHT's process dies again and again, at both members and at the hub: nobody loses a ping, it is
# started again, and a third member still finds the others.
#
#     hub, ga ── a, gb ── b, gc ── c      (port-restricted)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nat.sh
. "$lib_dir/nat.sh"

internet
public_host hub
homes a b c
key=$("$meshctl" genkey)
start_hub
for name in a b; do start_node $name --bootstrap "$hub_at" --key "$key"; done
up a b
wait_for 15 "edge between a and b" edge a b

child_of() { pgrep -P "$1" -x meshnode-dht; }
another() {  # PARENT OLD: it has a child again
  local now
  now=$(child_of "$1") && [[ $now != "$2" ]]
}
told() { grep -q "$2" "$1"; }                     # FILE PATTERN
joined() { holds "$1" '.discovery.dht.state == "connected"'; }

say "what the child is"
child=$(child_of "${pid[a]}")
check "it has no capability" grep -q '^CapEff:.0000000000000000$' "/proc/$child/status"
check "it is confined" grep -q '^NoNewPrivs:.1$' "/proc/$child/status"
check "it holds no descriptor but its four" test "$(find "/proc/$child/fd" -mindepth 1 | wc -l)" -le 4
wait_for 10 "a is in the DHT" joined a

say "it dies under pings both ways"
count=900
flood() {  # FROM TO
  spawn "$1" "$work/flood-$1" ping -n -q -i 0.02 -c $count -W 2 "$(overlay6 "$2")" </dev/null
  floods+=("$spawned")
}
floods=()
flood a b
flood b a
for signal in KILL SEGV; do
  for where in a b hub; do
    if [[ $where == hub ]]; then parent=$hub log=$work/hub.out; else parent=${pid[$where]} log=$work/$where/log; fi
    wait_for 10 "$where has a child" child_of "$parent"
    old=$(child_of "$parent")
    kill -s $signal "$old"
    wait_for 2 "$where says that it was killed by SIG$signal" \
      told "$log" "the DHT's process ended (process $old, killed by SIG$signal)"
    wait_for 4 "and starts another" another "$parent" "$old"
  done
done
for each in "${floods[@]}"; do wait_for 40 "pings are over" ended "$each" >/dev/null; done
none_lost $count
say "  0 of $((2 * count)) pings lost"
for name in a b; do wait_for 10 "$name is in the DHT again" joined $name; done

say "a third one comes while the hub's is dead once more"
kill -s KILL "$(child_of "$hub")"
begin=$(ms)
start_node c --bootstrap "$hub_at" --key "$key"
up c
wait_for 45 "edge between a and c" edge a c
wait_for 45 "edge between b and c" edge b c
say "  $(seconds_of $(($(ms) - begin))) after its start"
ping_well c "$(overlay6 a)"

say "who ends takes its child along"
child=$(child_of "${pid[a]}")
stop_node a
check "exit 0" test "$exit_code" = 0
check "a's child is gone" ended "$child"
child=$(child_of "${pid[b]}")
stop_node b KILL
wait_for 2 "b's, too, though b was killed" ended "$child"
refute "a terminal's signals are no crash" grep -q 'DHT.s process ended.*SIG\(TERM\|INT\)' "$work"/*/log
