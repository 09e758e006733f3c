complete -c limits-schema -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c limits-schema -l json -d 'The same as -o json'
complete -c limits-schema -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c limits-schema -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c limits-schema -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c limits-schema -s h -l help -d 'Print help'
complete -c limits-schema -s V -l version -d 'Print version'
