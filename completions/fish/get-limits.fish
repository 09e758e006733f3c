complete -c get-limits -l cgroup-root -d 'Where the cgroup tree is mounted' -r -F
complete -c get-limits -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c get-limits -l json -d 'The same as -o json'
complete -c get-limits -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c get-limits -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c get-limits -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c get-limits -s h -l help -d 'Print help'
complete -c get-limits -s V -l version -d 'Print version'
