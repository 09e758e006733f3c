complete -c mlc-create -s g -l gpus -d 'How many GPUs, or all that you may have; ids (0,2) are only counted, since which GPUs they are is not chosen here' -r -f
complete -c mlc-create -s w -l workspace -d 'Your directory that is /workspace inside' -r -f -a "(__fish_complete_directories)"
complete -c mlc-create -s d -l data -d 'A directory that is /data inside' -r -f -a "(__fish_complete_directories)"
complete -c mlc-create -s m -l models -d 'A directory that is /models inside' -r -f -a "(__fish_complete_directories)"
complete -c mlc-create -l image -d 'This image instead of a framework' -r -f
complete -c mlc-create -l profile -d 'Which kind of GPU: any, full, mig, or a MIG profile such as 2g.20gb' -r
complete -c mlc-create -s p -l project -d 'The project it belongs to; its directory is the workspace then' -r
complete -c mlc-create -l wait-at-most -d 'Give up waiting after this' -r
complete -c mlc-create -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c mlc-create -l show-limits -d 'Show what you may use, and make nothing'
complete -c mlc-create -l dry-run -d 'Show what would be made, and make nothing'
complete -c mlc-create -s h -l help -d 'Print help'
complete -c mlc-create -s V -l version -d 'Print the version'
complete -c mlc-create -l cpu-only -d 'No GPU at all, whatever the image says'
complete -c mlc-create -l wait -d 'Wait in line where no GPU is free, and make it when one is'
complete -c mlc-create -l frameworks -d 'List the frameworks of the catalogue for this machine, and make nothing'
complete -c mlc-create -l json -d 'The same as -o json'
complete -c mlc-create -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c mlc-create -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c mlc-create -l guided -d 'Explain what happens and what comes next, on stderr'
