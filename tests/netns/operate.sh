#!/bin/bash
# What meshctl shows and asks: peers by name, id and address, pings and traces through the tunnel,
# events as they happen, figures of each edge, the log level.
#
#     a, b, c on a LAN; b and c have names that an id could begin with
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

lan lan0 a b c
start_node a --lan-only --address 10.99.0.1/24
up a
token=$(token_of a) || fail "no join token"
spawn a "$work/events" "$meshctl" --control "$work/a/control.sock" watch --json </dev/null
watcher=$spawned
spawn a "$work/lines" "$meshctl" --control "$work/a/control.sock" watch </dev/null
lines=$spawned
# What a node said before is told to nobody: both watch before there is anything to tell.
watching() { [[ -n $(find "/proc/$1/fd" -lname "socket:*") ]]; }
wait_for 3 "somebody watches" watching "$watcher"
wait_for 3 "and for people" watching "$lines"
start_node --stdin "$token" b --lan-only --key @- --address 10.99.0.2/24
wait_for 5 "edge between a and b" edge a b
id=$(id_of b)

say "one peer, however it is called"
for whom in b "$id" "${id:0:6}" "${id^^}" 10.99.0.2 "$(overlay6 b)"; do
  check "peer $whom" test "$(ctl a peer "$whom" --json | jq -r .id)" = "$id"
done
check "for people" grep -q '^peer  *b$' <(ctl a peer b)
detail() { ctl a peer b --json | jq -e "$1"; }
check "the path and both ends" detail '.path.kind == "lan"
  and (.path.local | test("^(10.61.0.1|\\[fe80:.*\\]):[0-9]+$"))
  and (.path.remote | test("^(10.61.0.2|\\[fe80:.*\\]):[0-9]+$"))'
check "figures of the edge" detail '.edge | .rtt_avg_ms > 0 and .rtt_min_ms <= .rtt_avg_ms
  and .lost == 0 and .keep_alive_s >= 25 and .datagram >= 496 and .handshakes == 1
  and .path_changes >= 1 and (.cipher | test("AES|ChaCha"))'
check "candidates with probes and answers" detail 'any(.candidates[]; .state == "carries"
  and .answers >= 1 and .probes >= .answers)'
check "path history with its cause" detail '.path_history[0] | .cause == "first" and (.to | contains(":"))'

say "whom it is not"
refused a 2 '"nobody".*known are b \(' "$meshctl" --control "$work/a/control.sock" peer nobody
refused a 2 '10\.99\.0\.77' "$meshctl" --control "$work/a/control.sock" ping 10.99.0.77
refused a 2 'peer' "$meshctl" --control "$work/a/control.sock" peer
mkdir "$work/b2"  # calls itself b, too
spawn c "$work/b2/log" "$meshnode" --name b --state-dir "$work/b2/state" \
  --control "$work/b2/control.sock" --lan-only --key @- <<<"$token"
pid[b2]=$spawned
node_host[b2]=c
wait_for 5 "edge between a and the other b" edge a b2
refused a 2 '"b" may be any.*, b \(' "$meshctl" --control "$work/a/control.sock" peer b
check "its id helps" test "$(ctl a peer "$(id_of b2)" --json | jq -r .id)" = "$(id_of b2)"

say "ping"
check "five answers with their path" test "$(ctl a ping "$id" -c 5 -i 0.1 --json |
  jq -s 'map(select(.rtt_ms > 0 and .path.kind == "lan")) | length')" = 5
check "for people" grep -q '^2 asked, 2 answered, round trip' <(ctl a ping "$id" -c 2 -i 0.1)
refused a 2 'interval' "$meshctl" --control "$work/a/control.sock" ping "$id" -i 0

say "trace"
ctl a trace "$id" --json >"$work/trace"
trace() { jq -e "$1" "$work/trace"; }
check "both views of one edge" test "$(trace .here.path.local) $(trace .here.path.remote)" = \
  "$(trace .there.path.remote) $(trace .there.path.local)"
check "its candidates and history" \
  trace '(.there.candidates | length) >= 1 and .there.path_history[0].cause == "first"'
check "for people" grep -q '^from there' <(ctl a trace "$id")

say "peers and top"
check "a row for each peer" test "$(ctl a peers | grep -c connected)" = 2
check "as in status" test "$(ctl a peers --json | jq -c 'map(.id) | sort')" = \
  "$(status a | jq -c '.peers | map(.id) | sort')"
inside a ping -q -i 0.01 -c 400 10.99.0.2 >/dev/null &
pinging=$!
started+=("$pinging")
check "top tells rates" test "$(ctl a top --json | jq 'map(select(.tx_bytes_per_s > 1000)) | length')" = 1
ctl a top >"$work/top"
check "once, without control characters, where there is no terminal" \
  test "$(grep -c '^PEER' "$work/top") $(grep -c $'\033' "$work/top" || true)" = "1 0"
spawn a "$work/live" python3 "$lib_dir/on_terminal.py" \
  "$meshctl" --control "$work/a/control.sock" top -i 0.2 </dev/null
redrawn() { (($(grep -c $'\033\\[H.*PEER' "$work/live") >= 3)); }
wait_for 5 "it is redrawn on a terminal" redrawn
check "in colour" grep -q $'\033\\[32mconnected' "$work/live"
end "$spawned" INT
check "until it is interrupted" test "$exit_code" = 0
NO_COLOR=1 spawn a "$work/plain" python3 "$lib_dir/on_terminal.py" \
  "$meshctl" --control "$work/a/control.sock" peers </dev/null
wait_for 5 "peers on a terminal" grep -q connected "$work/plain"
refute "no colour where NO_COLOR says so" grep -q $'\033' "$work/plain"
end "$pinging"

say "the log level"
check "as it was started" test "$(ctl a log-level --json)" = '"info"'
check "changed" test "$(ctl a log-level debug --json)" = '"debug"'
check "of some modules, and kept" test "$(ctl a log-level dht=warn,tun=off | awk '{print $2}' | sort | uniq -c | xargs)" = \
  "1 LEVEL 8 debug 1 off 1 warn"
check "for programs" test "$(ctl a log-level --json)" = '"debug,dht=warn,tun=off"'
refused a 2 '"dth".*did you mean dht' "$meshctl" --control "$work/a/control.sock" log-level dth=debug
refused a 2 '"loud".*trace, debug' "$meshctl" --control "$work/a/control.sock" log-level loud

say "who is gone"
stop_node b2
said() { jq -es "any(.[]; $1)" "$work/events"; }
wait_for 5 "its end is told" said '.event == "member-left"'
check "it came" said '.event == "member-heard"'
check "an edge came" said ".event == \"peer-up\" and .id == \"$id\" and .name == \"b\" and .rtt_ms > 0"
check "its path, too" said ".event == \"path-changed\" and .id == \"$id\" and .detail == \"first\" and .path_kind == \"lan\""
check "an edge went" said '.event == "peer-down" and .detail == "goodbye"'
check "for people" grep -qE '^[0-9:]{8} b: connected over (10\.61\.0\.2|\[fe80:.*\]):' "$work/lines"
end "${pid[b]}" KILL
unset "pid[b]"
got=0
timeout 15 "$meshctl" --control "$work/a/control.sock" ping "$id" -c 1 >"$work/out" 2>"$work/err" || got=$?
check "who is gone answers no ping: exit 1" test "$got" = 1
check "and it is said so" grep -q 'no answer came back' "$work/out"
got=0
timeout 15 "$meshctl" --control "$work/a/control.sock" trace "$id" >"$work/out" 2>"$work/err" || got=$?
check "nor a trace: exit 1" test "$got" = 1
check "what we believe is shown" grep -q '^not known: ' "$work/out"

say "a client that sends rubbish, one that takes nothing, and the end of all"
python3 - "$work/a/control.sock" <<'PY'
import socket, sys
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(sys.argv[1])
    return s
for text in (b'\xff\x00{[\n', b'{"version":1,"method":"frob"}\n', b'{"version":2,"method":"id"}\n',
             b'{"version":1,"method":"ping","peer":7}\n', b'[' * 4000 + b'\n'):
    s = connect()
    s.sendall(text)
    assert b'"ok":false' in s.recv(65536), text
silent = connect()
silent.sendall(b'{"version":1,"method":"watch"}\n')
s = connect()
s.sendall(b'{"version":1,"method":"methods"}\n')
answer = s.recv(65536)
assert b'"version":1' in answer and b'"trace"' in answer, answer
PY
answers a || fail "a does not answer any more"
stop_node a
wait_for 5 "the watcher ends with the node" ended "$watcher"
end "$watcher"
check "with exit code 1" test "$exit_code" = 1
