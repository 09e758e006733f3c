complete -c mlc-stop -s Y -d 'Do not ask; of mlc-stop and mlc-remove'
complete -c mlc-stop -s h -l help -d 'Print help'
complete -c mlc-stop -s V -l version -d 'Print the version'
