complete -c mlc-remove -s Y -d 'Yes, as --yes: of mlc-stop and mlc-remove'
complete -c mlc-remove -s h -l help -d 'Print help'
complete -c mlc-remove -s V -l version -d 'Print the version'
