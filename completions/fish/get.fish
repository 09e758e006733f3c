complete -c get -l guided -d 'Explain what the verbs are for'
complete -c get -s h -l help -d 'Print the verbs; `help VERB` says more of one'
complete -c get -s V -l version -d 'Print the version'
