complete -c mlc-list -s Y -d 'Do not ask; of mlc-stop and mlc-remove'
complete -c mlc-list -s h -l help -d 'Print help'
complete -c mlc-list -s V -l version -d 'Print the version'
