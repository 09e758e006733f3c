complete -c container-exit -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c container-exit -l json -d 'The same as -o json'
complete -c container-exit -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-exit -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c container-exit -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c container-exit -s h -l help -d 'Print help'
complete -c container-exit -s V -l version -d 'Print version'
