complete -c container-create -l image -d 'The image; fetched where it is not here' -r
complete -c container-create -s g -l gpus -l num-gpus -d 'How many GPUs, or all that one container may have; one unless said' -r
complete -c container-create -l profile -d 'Which kind of GPU: any, full, mig, or a MIG profile such as 2g.20gb' -r
complete -c container-create -s w -l workspace -d 'Your directory that is /workspace inside; ~/workspace/NAME unless said' -r -F
complete -c container-create -s d -l data -d 'A directory that is /data inside; for reading unless you may write there' -r -F
complete -c container-create -s m -l models -d 'The same as /models' -r -F
complete -c container-create -s p -l project -d 'The project it belongs to; its directory is the workspace then' -r
complete -c container-create -l wait-at-most -d 'Give up waiting after this' -r
complete -c container-create -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c container-create -l cpu-only -d 'No GPU at all, whatever the image says'
complete -c container-create -l wait -d 'Wait in line where no GPU is free, and make it when one is'
complete -c container-create -l show-limits -d 'Show what you may use, and make nothing'
complete -c container-create -l frameworks -d 'List the frameworks of the catalogue for this machine, and make nothing'
complete -c container-create -l dry-run -d 'Show what would be made, and make nothing'
complete -c container-create -l json -d 'The same as -o json'
complete -c container-create -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c container-create -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c container-create -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c container-create -s h -l help -d 'Print help'
complete -c container-create -s V -l version -d 'Print version'
