complete -c mlc-create -s g -l gpus -d 'How many GPUs, or all that you may have; ids (0,2) are only counted, since which GPUs they are is not chosen here' -r -f
complete -c mlc-create -s w -l workspace -d 'Your directory that is /workspace inside' -r -f -a "(__fish_complete_directories)"
complete -c mlc-create -s d -l data -d 'A directory that is /data inside' -r -f -a "(__fish_complete_directories)"
complete -c mlc-create -s m -l models -d 'A directory that is /models inside' -r -f -a "(__fish_complete_directories)"
complete -c mlc-create -l image -d 'This image instead of a framework' -r -f
complete -c mlc-create -l show-limits -d 'Show what you may use, and make nothing'
complete -c mlc-create -l dry-run -d 'Show what would be made, and make nothing'
complete -c mlc-create -s h -l help -d 'Print help'
complete -c mlc-create -s V -l version -d 'Print the version'
