complete -c docker-wrap -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c docker-wrap -l dry-run -d 'Show the command line, and run nothing'
complete -c docker-wrap -l json -d 'The same as -o json'
complete -c docker-wrap -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c docker-wrap -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c docker-wrap -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c docker-wrap -s h -l help -d 'Print help'
complete -c docker-wrap -s V -l version -d 'Print version'
