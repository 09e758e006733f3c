complete -c mlc-open -s Y -d 'Do not ask; of mlc-stop and mlc-remove'
complete -c mlc-open -s h -l help -d 'Print help'
complete -c mlc-open -s V -l version -d 'Print the version'
