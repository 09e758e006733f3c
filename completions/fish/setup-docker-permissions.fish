complete -c setup-docker-permissions -f
complete -c setup-docker-permissions -l uninstall -d 'Put Docker\'s socket back where it was'
complete -c setup-docker-permissions -l dry-run -d 'Say what would be done, and do nothing'
complete -c setup-docker-permissions -s y -l yes -d 'Do not ask'
complete -c setup-docker-permissions -s h -l help -d 'Print help'
complete -c setup-docker-permissions -s V -l version -d 'Print version'
