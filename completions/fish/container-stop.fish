complete -c container-stop -s t -l timeout -d 'How long one may take to end before it is killed; the limits say it otherwise' -r
complete -c container-stop -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c container-stop -s a -l all -d 'All of your own that this can be done to'
complete -c container-stop -s f -l force -d 'Kill at once; what is not saved is lost'
complete -c container-stop -l dry-run -d 'Show what would change, and change nothing'
complete -c container-stop -s y -l yes -d 'Answer every question with yes'
complete -c container-stop -l json -d 'The same as -o json'
complete -c container-stop -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-stop -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c container-stop -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c container-stop -s h -l help -d 'Print help'
complete -c container-stop -s V -l version -d 'Print version'
