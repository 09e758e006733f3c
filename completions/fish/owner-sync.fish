complete -c owner-sync -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c owner-sync -l once -d 'Write the index once, and print it'
complete -c owner-sync -l watch -d 'Write it at every event and every five seconds; one line for each change'
complete -c owner-sync -l dry-run -d 'Print the index and write nothing'
complete -c owner-sync -l json -d 'The same as -o json'
complete -c owner-sync -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c owner-sync -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c owner-sync -s h -l help -d 'Print help'
complete -c owner-sync -s V -l version -d 'Print version'
