# shellcheck shell=bash disable=SC2034,SC2154
# Figures of many nodes at once. To be sourced after lib.sh. Nothing here asks the nodes more than
# needed: thirty of them and their questioners share two cores.

# NAME...: each has said of every other one that it is connected.
all_met() {
  local name
  for name; do
    (($(told_of "$name") >= $# - 1)) || return 1
  done
}
# NAME: with how many others it has ever said to be connected.
told_of() {
  sed -nE 's/^[^ ]+ info overlay: (.*) connected directly in .*/\1/p' "$work/$1/log" | sort -u | wc -l
}

# NODE COUNT: it has paths to so many others, now.
has_paths() { [[ $(js "$1" '[.peers[] | select(.path != null)] | length') == "$2" ]]; }

# NAME...: each to each.
all_have_paths() {
  local name
  for name; do has_paths "$name" $(($# - 1)) || return 1; done
}

# BEGIN-MS NAME...: when edges came, as the nodes' logs say, counted from BEGIN-MS. Sets $edges (both
# ends say so), and $median, $last in milliseconds.
edge_times() {
  local begin=$1 times
  shift
  times=$(cd "$work" && python3 "$lib_dir/edge_times.py" "$begin" "$@")
  read -r edges median last <<<"$times"
}

# PID: milliseconds of CPU that it and its children have used.
cpu_ms() {
  local fields each ticks=0
  for each in $(family_of "$1"); do
    read -ra fields <<<"$(sed 's/.*) //' "/proc/$each/stat")"
    ticks=$((ticks + fields[11] + fields[12]))
  done
  echo $((ticks * 1000 / $(getconf CLK_TCK)))
}

# NUMBER...: "least median most"
spread() { printf '%s\n' "$@" | sort -n | awk '{v[NR] = $1} END {print v[1], v[int((NR + 1) / 2)], v[NR]}'; }

# FUNCTION-OF-A-PID NAME...: of these nodes.
spread_of() {
  local what=$1 name all=()
  shift
  for name; do all+=("$($what "${pid[$name]}")"); done
  spread "${all[@]}"
}
