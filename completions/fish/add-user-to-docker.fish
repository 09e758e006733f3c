complete -c add-user-to-docker -l dry-run -d 'Say what would be done, and do nothing'
complete -c add-user-to-docker -s y -l yes -d 'Without the door: do not ask'
complete -c add-user-to-docker -s h -l help -d 'Print help'
complete -c add-user-to-docker -s V -l version -d 'Print the version'
