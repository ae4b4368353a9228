#!/bin/bash
# completion_test.sh FOLDER BIN_DIR: what bash offers for meshnode and meshctl.
set -euo pipefail
folder=$1 bin=$2
failed=0
# shellcheck source=/dev/null
for file in "$folder"/*.bash; do . "$file"; done

offers() {  # WORDS…: what is offered for the last one
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  local function=_meshnode
  [[ $1 != */meshctl ]] || function=_meshctl
  "$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  echo "${COMPREPLY[*]}"
}
expect() {  # WANTED WORDS…
  local wanted=$1 got
  shift
  got=$(offers "$@")
  [[ $got == "$wanted" ]] || { echo "$*: offered \"$got\", not \"$wanted\""; failed=1; }
}

expect "--bootstrap" "$bin/meshnode" --boo
expect "--data_plane.udp_gso" "$bin/meshnode" --data_plane.udp_gs
expect "on off" "$bin/meshnode" --data_plane.udp_gso o
expect "auto all" "$bin/meshnode" --edges a
expect "text" "$bin/meshhub" --log.format t
expect "--metrics.listen" "$bin/meshhub" --metr
expect "--state-dir" "$bin/meshhub" --st
expect "status" "$bin/meshctl" sta
expect "status" "$bin/meshctl" --interface mesh1 sta
expect "--json" "$bin/meshctl" status --j
expect "peers peer" "$bin/meshctl" pee
expect "debug" "$bin/meshctl" log-level d
expect "--interval" "$bin/meshctl" top --i
# Members' names, as status tells them.
fake=$(mktemp -d)
trap 'rm -rf "$fake"' EXIT
cat >"$fake/meshctl" <<'FAKE'
#!/bin/sh
[ "$1 $2" = "status --json" ] && printf '{\n  "name": "alpha",\n  "name": "beta",\n  "name": null\n}\n'
FAKE
chmod +x "$fake/meshctl"
expect "beta" "$fake/meshctl" ping b
exit "$failed"
