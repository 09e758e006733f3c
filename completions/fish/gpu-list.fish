complete -c gpu-list -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-list -l slots -d 'Only what can be leased: no card that is cut into instances, and none that is lost'
complete -c gpu-list -l processes -d 'The processes on each, with the memory they hold'
complete -c gpu-list -l json -d 'The same as -o json'
complete -c gpu-list -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-list -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-list -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-list -s h -l help -d 'Print help'
complete -c gpu-list -s V -l version -d 'Print version'
