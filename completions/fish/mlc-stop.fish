complete -c mlc-stop -s Y -d 'Yes, as --yes: of mlc-stop and mlc-remove'
complete -c mlc-stop -s h -l help -d 'Print help'
complete -c mlc-stop -s V -l version -d 'Print the version'
