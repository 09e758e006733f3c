complete -c admit -l upstream -d 'Socket of the Docker daemon, asked whose things are, in place of /var/run/docker-real.sock' -r -F
complete -c admit -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c admit -l dry-run -d 'Lease nothing'
complete -c admit -l json -d 'The same as -o json'
complete -c admit -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c admit -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c admit -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c admit -s h -l help -d 'Print help'
complete -c admit -s V -l version -d 'Print version'
