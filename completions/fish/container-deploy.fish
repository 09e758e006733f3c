complete -c container-deploy -s o -l output -d 'Json, text, or fields of the answer, which is container-start\'s' -r -f
complete -c container-deploy -l image -d 'The image; fetched where it is not here' -r
complete -c container-deploy -s g -l gpus -d 'How many GPUs, or all that one container may have; one unless said' -r
complete -c container-deploy -l profile -d 'Which kind of GPU: any, full, mig, or a MIG profile such as 2g.20gb' -r
complete -c container-deploy -s w -l workspace -d 'Your directory that is /workspace inside; ~/workspace/NAME unless said' -r
complete -c container-deploy -s d -l data -d 'A directory that is /data inside; for reading unless you may write there' -r
complete -c container-deploy -s m -l models -d 'The same as /models' -r
complete -c container-deploy -s p -l project -d 'The project it belongs to; its directory is the workspace then' -r
complete -c container-deploy -l wait-at-most -d 'Give up waiting after this' -r
complete -c container-deploy -l background -d 'Start it, and leave it to itself; what happens where stdin is no terminal'
complete -c container-deploy -l open -d 'Start it and open a shell in it; what happens at a terminal'
complete -c container-deploy -l dry-run -d 'Show what would be made, and make nothing'
complete -c container-deploy -l json -d 'The same as -o json'
complete -c container-deploy -l guided -d 'Explain what happens and what comes next'
complete -c container-deploy -s h -l help -d 'Print help'
complete -c container-deploy -s V -l version -d 'Print the version'
complete -c container-deploy -l cpu-only -d 'No GPU at all, whatever the image says'
complete -c container-deploy -l wait -d 'Wait in line where no GPU is free, and make it when one is'
complete -c container-deploy -l show-limits -d 'Show what you may use, and make nothing'
complete -c container-deploy -l frameworks -d 'List the frameworks of the catalogue for this machine, and make nothing'
complete -c container-deploy -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-deploy -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
