complete -c mlc-update-sys -s Y -d 'Do not ask; of mlc-stop and mlc-remove'
complete -c mlc-update-sys -s h -l help -d 'Print help'
complete -c mlc-update-sys -s V -l version -d 'Print the version'
