complete -c container-logs -s n -l tail -d 'Only the last lines; all is everything' -r
complete -c container-logs -l since -d 'Only what came since: a time, or 10m for ten minutes ago' -r
complete -c container-logs -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c container-logs -s f -l follow -d 'Go on as more is printed'
complete -c container-logs -s t -l timestamps -d 'When each line came, in front of it'
complete -c container-logs -l json -d 'The same as -o json'
complete -c container-logs -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-logs -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c container-logs -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c container-logs -s h -l help -d 'Print help'
complete -c container-logs -s V -l version -d 'Print version'
