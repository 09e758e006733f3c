complete -c mlc-open -s Y -d 'Yes, as --yes: of mlc-stop and mlc-remove'
complete -c mlc-open -s h -l help -d 'Print help'
complete -c mlc-open -s V -l version -d 'Print the version'
