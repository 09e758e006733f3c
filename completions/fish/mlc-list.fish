complete -c mlc-list -s Y -d 'Yes, as --yes: of mlc-stop and mlc-remove'
complete -c mlc-list -s h -l help -d 'Print help'
complete -c mlc-list -s V -l version -d 'Print the version'
