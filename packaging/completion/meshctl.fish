# fish completion for meshctl: the commands that --help names, and members' names where one is wanted.
complete -c meshctl -f
complete -c meshctl -n __fish_use_subcommand -a "(meshctl --help 2>/dev/null | string match -rg '^  ([a-z][a-z-]+) +' )"
complete -c meshctl -n '__fish_seen_subcommand_from peer ping trace why' \
    -a "(meshctl status --json 2>/dev/null | string match -rag '\"name\": ?\"([A-Za-z0-9_.-]+)\"')"
complete -c meshctl -l json -d 'one JSON document'
