complete -c gpu-avail -l count -d 'How many slots' -r
complete -c gpu-avail -l profile -d 'full, mig (any instance), any, or a MIG profile such as 2g.20gb' -r
complete -c gpu-avail -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-avail -l json -d 'The same as -o json'
complete -c gpu-avail -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-avail -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-avail -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-avail -s h -l help -d 'Print help'
complete -c gpu-avail -s V -l version -d 'Print version'
