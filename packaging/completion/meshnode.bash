# bash completion for meshnode and meshhub: what --help names.
_meshnode() {
  local current=$2 previous=$3
  case $previous in
    --config | --state-dir | --control) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W "trace debug info warn error off" -- "$current"); return ;;
    --log.format) mapfile -t COMPREPLY < <(compgen -W "text key=value json" -- "$current"); return ;;
    --log.addresses) mapfile -t COMPREPLY < <(compgen -W "on off" -- "$current"); return ;;
    --metrics.listen) mapfile -t COMPREPLY < <(compgen -W "127.0.0.1:9731 [::1]:9731" -- "$current"); return ;;
    --serve-dht) mapfile -t COMPREPLY < <(compgen -W "auto on off" -- "$current"); return ;;
    --edges) mapfile -t COMPREPLY < <(compgen -W "auto all" -- "$current"); return ;;
    --data_plane.* | --names.* | --share-map) mapfile -t COMPREPLY < <(compgen -W "on off" -- "$current"); return ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null | grep -oE '^  (-[a-z],)?--[a-z_.-]+' | grep -oE '\-\-.*')" -- "$current")
}
complete -F _meshnode meshnode meshhub
