complete -c user-resolve -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c user-resolve -l json -d 'The same as -o json'
complete -c user-resolve -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c user-resolve -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c user-resolve -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c user-resolve -s h -l help -d 'Print help (see more with \'--help\')'
complete -c user-resolve -s V -l version -d 'Print version'
