complete -c slice-usage -l interval -d 'Watch the CPU for this long (such as 2s) and show its use in percent' -r
complete -c slice-usage -l cgroup-root -d 'Where the cgroup tree is mounted' -r -F
complete -c slice-usage -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c slice-usage -l json -d 'The same as -o json'
complete -c slice-usage -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c slice-usage -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c slice-usage -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c slice-usage -s h -l help -d 'Print help'
complete -c slice-usage -s V -l version -d 'Print version'
