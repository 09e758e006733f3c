complete -c mlc-stats -s Y -d 'Do not ask; of mlc-stop and mlc-remove'
complete -c mlc-stats -s h -l help -d 'Print help'
complete -c mlc-stats -s V -l version -d 'Print the version'
