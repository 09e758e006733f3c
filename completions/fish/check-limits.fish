complete -c check-limits -l cgroup-root -d 'Where the cgroup tree is mounted' -r -F
complete -c check-limits -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c check-limits -l json -d 'The same as -o json'
complete -c check-limits -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c check-limits -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c check-limits -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c check-limits -s h -l help -d 'Print help'
complete -c check-limits -s V -l version -d 'Print version'
