complete -c mlc-start -s Y -d 'Do not ask; of mlc-stop and mlc-remove'
complete -c mlc-start -s h -l help -d 'Print help'
complete -c mlc-start -s V -l version -d 'Print the version'
