complete -c check -l guided -d 'Explain what the verbs are for'
complete -c check -s h -l help -d 'Print the verbs; `help VERB` says more of one'
complete -c check -s V -l version -d 'Print the version'
