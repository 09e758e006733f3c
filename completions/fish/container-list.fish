complete -c container-list -s w -l watch -d 'Again and again, every 2 seconds or as many as are given' -r
complete -c container-list -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c container-list -s a -l all -d 'Running and stopped ones, as without it'
complete -c container-list -l running -d 'Only those that run'
complete -c container-list -l stopped -d 'Only those that do not run'
complete -c container-list -l everyone -d 'Everybody\'s; admins only'
complete -c container-list -l json -d 'The same as -o json'
complete -c container-list -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-list -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c container-list -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c container-list -s h -l help -d 'Print help'
complete -c container-list -s V -l version -d 'Print version'
