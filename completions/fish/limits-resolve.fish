complete -c limits-resolve -l get -d 'One limit alone, by any name the config has for it, as the config would write it' -r
complete -c limits-resolve -l explain -d 'Every value a limit could have, where each stands, and which one holds; all for all' -r
complete -c limits-resolve -l config -d 'Another config than the one in force' -r -F
complete -c limits-resolve -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c limits-resolve -l all -d 'Everybody the config names'
complete -c limits-resolve -l json -d 'The same as -o json'
complete -c limits-resolve -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c limits-resolve -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c limits-resolve -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c limits-resolve -s h -l help -d 'Print help (see more with \'--help\')'
complete -c limits-resolve -s V -l version -d 'Print version'
