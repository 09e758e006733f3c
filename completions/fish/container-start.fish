complete -c container-start -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c container-start -s a -l all -d 'All of your own that this can be done to'
complete -c container-start -l dry-run -d 'Show what would be started, and start nothing'
complete -c container-start -l json -d 'The same as -o json'
complete -c container-start -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-start -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c container-start -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c container-start -s h -l help -d 'Print help'
complete -c container-start -s V -l version -d 'Print version'
