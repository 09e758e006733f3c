complete -c container-attach -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c container-attach -l json -d 'The same as -o json'
complete -c container-attach -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-attach -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c container-attach -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c container-attach -s h -l help -d 'Print help'
complete -c container-attach -s V -l version -d 'Print version'
