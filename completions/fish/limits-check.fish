complete -c limits-check -l config -d 'The same, as limits-resolve takes it' -r -F
complete -c limits-check -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c limits-check -l json -d 'The same as -o json'
complete -c limits-check -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c limits-check -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c limits-check -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c limits-check -s h -l help -d 'Print help (see more with \'--help\')'
complete -c limits-check -s V -l version -d 'Print version'
