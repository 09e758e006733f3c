complete -c slice-make -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c slice-make -l all -d 'Every group, every user that the config names, and every slice that is there'
complete -c slice-make -l dry-run -d 'Show what would change, and change nothing'
complete -c slice-make -s y -l yes -d 'Answer every question with yes'
complete -c slice-make -l json -d 'The same as -o json'
complete -c slice-make -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c slice-make -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c slice-make -s h -l help -d 'Print help'
complete -c slice-make -s V -l version -d 'Print version'
