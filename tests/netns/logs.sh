#!/bin/bash
# What two nodes and a hub write: at info no address of anybody, at debug or with log.addresses they are
# there; lines for programs are what they say they are; the journal gets priorities and no time.
#
#     hub, a, b on a LAN; b claims an address of a's, too
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

meshhub=$bin_dir/meshhub
lan lan0 hub a b
addresses='[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|f[ed][0-9a-f]{2}:'
hub=$(address4 hub):3731

others() { grep -cvE "$@" || true; }  # how many lines are not so

by_signals() {  # PID LOG: more is told, and less again
  kill -s USR1 "$1"
  wait_for 10 "the hub tells more" grep -q ' debug hub: ' "$2"
  kill -s USR1 "$1"
  wait_for 5 "the hub tells all" grep -q ' log levels: trace$' "$2"
  kill -s USR2 "$1"
  wait_for 5 "the hub tells as much as before" grep -q ' log levels: info$' "$2"
  check "still no more than that" test "$(grep -c 'log levels' "$2")" = 3
}

mesh() {  # NAME OPTION...: the hub, and nodes aNAME and bNAME that meet, disagree and part
  local name=$1 token
  shift
  mkdir "$work/hub$name"
  spawn hub "$work/hub$name/log" "$meshhub" "$@" </dev/null
  local running=$spawned
  wait_for 5 "the hub is ready" grep -q ' ready on ' "$work/hub$name/log"
  start_node --in a "a$name" --bootstrap "$hub" --address 10.99.0.1/24 "$@"
  up "a$name"
  token=$(token_of "a$name") || fail "no join token"
  start_node --in b --stdin "$token" "b$name" --bootstrap "$hub" --key @- --address 10.99.0.1/24 "$@"
  wait_for 10 "edge" edge "a$name" "b$name"
  wait_for 10 "two claim one address" grep -qh 'claims' "$work/a$name/log" "$work/b$name/log"
  wait_for 15 "the hub is known to be up" grep -q 'hub up' "$work/a$name/log"
  stop_node "b$name"
  wait_for 5 "the goodbye is told" grep -q 'said goodbye' "$work/a$name/log"
  [[ $name != 1 ]] || by_signals "$running" "$work/hub$name/log"
  end "$running"
  stop_node "a$name"
  # Standard output of the hub says where it listens itself.
  cat "$work/a$name/log" "$work/b$name/log" \
    <(sed '/ ready on /d; / log levels: debug$/,/ log levels: info$/d' "$work/hub$name/log") >"$work/$name"
}

say "at info"
mesh 1 --log-level info
check "there are lines" test "$(wc -l <"$work/1")" -ge 10
refute "no address is in them" grep -E "$addresses" "$work/1"
check "their places are told" grep -q ' info node: .* is up: \[address\], \[address\]$' "$work/1"
check "levels and modules" test "$(others '^[-0-9T:.]{23} (info|warn) (node|overlay|discovery|dht|dataplane|hub): ' "$work/1")" = 0

say "at info, with addresses, as JSON"
mesh 2 --log.addresses on --log.format json
check "each line is an object" test "$(jq -e '.time and .level and .module and .msg' "$work/2" | sort -u)" = true
check "addresses are there" test "$(jq -r 'select(.msg | contains("claims")) | .address' "$work/2" | head -n 1)" = 10.99.0.1
check "who connected" test "$(jq -r 'select(.msg | contains("connected")) | .peer' "$work/a2/log")" = b2

say "at debug, as key=value"
mesh 3 --log-level debug --log.format key=value
check "addresses are there" grep -qE "^time=.* level=info module=node msg=\".* is up: .*10\.99\.0\.1" "$work/3"
check "debug lines" grep -q ' level=debug ' "$work/3"
check "who connected" grep -q ' msg="b3 connected directly.* peer=b3$' "$work/a3/log"
check "all lines have their fields" test "$(others '^time=[^ ]+ level=[a-z]+ module=[a-z]+ msg="' "$work/3")" = 0
again() {  # no second has the same text from one program twice
  local log
  for log in a3 b3 hub3; do
    sed -nE 's/^time=([^.]*)\.[^ ]* /\1|/p' "$work/$log/log" |
      awk -F'|' '{gsub(/[0-9]+/, "", $2); print $1, $2}' | sort | uniq -d | grep . && return 0
  done
  return 1
}
refute "no cause twice in a second" again

say "for the journal"
mkdir "$work/j"
# shellcheck disable=SC2016  # expanded there
spawn a "$work/j/log" bash -c 'export JOURNAL_STREAM; JOURNAL_STREAM=$(stat -Lc %d:%i /dev/stderr); exec "$@"' _ \
  "$meshnode" --name j --lan-only --state-dir "$work/j/state" --control "$work/j/control.sock" </dev/null
wait_for 5 "it is up" grep -q 'waiting for its other members' "$work/j/log"
end "$spawned"
check "priorities, no time" test "$(others '^<[3-7]>[a-z]+: ' "$work/j/log")" = 0
