# fish completion for meshnode and meshhub: what --help names.
for program in meshnode meshhub
    complete -c $program -f -a "($program --help 2>/dev/null | string match -rg '^  (?:-\w,)?(--[a-z_.-]+)')"
    complete -c $program -l config -r -F
end
