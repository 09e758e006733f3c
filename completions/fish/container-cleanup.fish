complete -c container-cleanup -l older-than -d 'Only those that have stood still this long, such as 7d' -r
complete -c container-cleanup -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c container-cleanup -l dry-run -d 'Show what would change, and change nothing'
complete -c container-cleanup -s y -l yes -d 'Answer every question with yes'
complete -c container-cleanup -l json -d 'The same as -o json'
complete -c container-cleanup -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-cleanup -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c container-cleanup -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c container-cleanup -s h -l help -d 'Print help'
complete -c container-cleanup -s V -l version -d 'Print version'
