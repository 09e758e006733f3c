complete -c mlc-remove -s Y -d 'Do not ask; of mlc-stop and mlc-remove'
complete -c mlc-remove -s h -l help -d 'Print help'
complete -c mlc-remove -s V -l version -d 'Print the version'
