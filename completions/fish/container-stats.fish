complete -c container-stats -s w -l watch -d 'Again and again, every 2 seconds or as many as are given' -r
complete -c container-stats -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c container-stats -l everyone -d 'Everybody\'s; admins only'
complete -c container-stats -l json -d 'The same as -o json'
complete -c container-stats -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-stats -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c container-stats -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c container-stats -s h -l help -d 'Print help'
complete -c container-stats -s V -l version -d 'Print version'
