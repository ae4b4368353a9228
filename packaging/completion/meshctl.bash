# bash completion for meshctl: the commands that --help names, their options, and members' names
# where one is wanted.
_meshctl_words() { "$@" --help 2>/dev/null | sed -nE 's/^  ([a-z][a-z-]+) .*/\1/p'; }
_meshctl_options() { "$@" --help 2>/dev/null | grep -oE '^  (-[a-z],)?--[a-z-]+' | grep -oE '\-\-.*'; }
_meshctl_members() { "$1" status --json 2>/dev/null | grep -oE '"name": ?"[A-Za-z0-9_.-]+"' | cut -d'"' -f4; }
_meshctl() {
  local program=$1 current=$2 previous=$3 command="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --interface | --control) i=$((i + 1)) ;;
      -*) ;;
      *) command=${COMP_WORDS[i]}; break ;;
    esac
  done
  if [[ $previous == --control ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_meshctl_options "$program" $command)" -- "$current")
  elif [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_meshctl_words "$program")" -- "$current")
  else
    case $command in
      peer | ping | trace | why) mapfile -t COMPREPLY < <(compgen -W "$(_meshctl_members "$program")" -- "$current") ;;
      log-level) mapfile -t COMPREPLY < <(compgen -W "trace debug info warn error off" -- "$current") ;;
    esac
  fi
}
complete -F _meshctl meshctl
