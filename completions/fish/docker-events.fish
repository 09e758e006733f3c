complete -c docker-events -l state -d 'Where to keep the place, so that the next run goes on there' -r -F
complete -c docker-events -l since -d 'Begin here when no place is kept: 2026-11-21T10:30:00Z, or 2h for two hours ago; now by default' -r
complete -c docker-events -l until -d 'End here: a time, or 0s for now' -r
complete -c docker-events -l filter -d 'Only these, as `docker events --filter` has it; may be given several times' -r
complete -c docker-events -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c docker-events -l json -d 'The same as -o json'
complete -c docker-events -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c docker-events -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c docker-events -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c docker-events -s h -l help -d 'Print help'
complete -c docker-events -s V -l version -d 'Print version'
