complete -c container -l guided -d 'Explain what the verbs are for'
complete -c container -s h -l help -d 'Print the verbs; `help VERB` says more of one'
complete -c container -s V -l version -d 'Print the version'
