# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_gpu_alloc_global_optspecs
    string join \n o/output= json q/quiet no-color guided h/help V/version
end

function __fish_gpu_alloc_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_gpu_alloc_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_gpu_alloc_using_subcommand
    set -l cmd (__fish_gpu_alloc_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -s V -l version -d 'Print version'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "allocate" -d 'Give a container its GPU slots, all of them or none'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "commit" -d 'The container of a pending lease exists: the lease holds from now on'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "abort" -d 'The container of a pending lease will never exist'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "release" -d 'Free a container\'s slots'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "mark-stopped" -d 'A container has stopped: keep its slots for the hold'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "clear-stopped" -d 'A stopped container starts again: its slots are in use'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "status" -d 'Who holds what'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "validate" -d 'Check the ledger, or one container\'s slots; --repair mends a damaged ledger'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "reconcile" -d 'Compare ledger, Docker and board, and mend the differences with --apply'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "follow" -d 'Apply Docker\'s events, one JSON line each, from stdin'
complete -c gpu-alloc -n "__fish_gpu_alloc_needs_command" -f -a "explain" -d 'What would be granted, or every limit in the way and what would let it pass'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l user -d 'Whose limits count' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l count -d 'How many slots; with --gpu as many as it names' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l profile -d 'full, mig (any instance), any, or a MIG profile such as 2g.20gb' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l gpu -d 'These very slots: display names or UUIDs' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l max-gpus -d 'A further limit on the user\'s slots; it can only lower the configured one' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l priority -d 'In place of the user\'s own priority, 1 to 100' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l runtime -d 'A run no longer than this, to fit before a reservation' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l interface -d 'How the container is made: docker, compose, devcontainer, api, atomic, orchestration' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l container -d 'The container\'s full name, or a token until it has one' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l container-id -d 'Its id, where it exists already' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l pending-for -d 'The container is yet to be created: without `commit` the lease ends after this time' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l deadline -d 'The same as a moment' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l dry-run -d 'Show what would be granted, and change nothing'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand allocate" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -l container -d 'The container\'s full name, or its id' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -l id -d 'The container\'s id' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -l name -d 'The name it was given, where the lease was made under a token' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand commit" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand abort" -l container -d 'The container\'s full name, or its id' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand abort" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand abort" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand abort" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand abort" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand abort" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand abort" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand abort" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand release" -l container -d 'The container\'s full name, or its id' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand release" -l user -d 'Only if the lease is this user\'s' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand release" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand release" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand release" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand release" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand release" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand release" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand release" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand mark-stopped" -l container -d 'The container\'s full name, or its id' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand mark-stopped" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand mark-stopped" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand mark-stopped" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand mark-stopped" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand mark-stopped" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand mark-stopped" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand mark-stopped" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand clear-stopped" -l container -d 'The container\'s full name, or its id' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand clear-stopped" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand clear-stopped" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand clear-stopped" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand clear-stopped" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand clear-stopped" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand clear-stopped" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand clear-stopped" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand status" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand status" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand status" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand status" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand status" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand status" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand validate" -l container -d 'This container\'s slots: are they its own, and on the board?' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand validate" -l gpu -d 'The slots it should have, as a comma list of display names or UUIDs' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand validate" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand validate" -l repair -d 'Make a usable ledger of a damaged one; the damaged files are kept beside it'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand validate" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand validate" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand validate" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand validate" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand validate" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand reconcile" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand reconcile" -l apply -d 'Mend what can be mended'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand reconcile" -l dry-run -d 'Show what would be mended, and change nothing'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand reconcile" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand reconcile" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand reconcile" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand reconcile" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand reconcile" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand follow" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand follow" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand follow" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand follow" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand follow" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand follow" -s h -l help -d 'Print help'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l user -d 'Whose limits count' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l count -d 'How many slots; with --gpu as many as it names' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l profile -d 'full, mig (any instance), any, or a MIG profile such as 2g.20gb' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l gpu -d 'These very slots: display names or UUIDs' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l max-gpus -d 'A further limit on the user\'s slots; it can only lower the configured one' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l priority -d 'In place of the user\'s own priority, 1 to 100' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l runtime -d 'A run no longer than this, to fit before a reservation' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l interface -d 'How the container is made: docker, compose, devcontainer, api, atomic, orchestration' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l container -d 'The container it is for, where there is one already' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l json -d 'The same as -o json'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-alloc -n "__fish_gpu_alloc_using_subcommand explain" -s h -l help -d 'Print help'
