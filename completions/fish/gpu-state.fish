# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_gpu_state_global_optspecs
    string join \n o/output= json q/quiet no-color guided h/help V/version
end

function __fish_gpu_state_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_gpu_state_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_gpu_state_using_subcommand
    set -l cmd (__fish_gpu_state_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c gpu-state -n "__fish_gpu_state_needs_command" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-state -n "__fish_gpu_state_needs_command" -l json -d 'The same as -o json'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -s h -l help -d 'Print help'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -s V -l version -d 'Print version'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -f -a "by-user" -d 'What each user has, and waits for'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -f -a "by-container" -d 'Which slots each container has, since when and how long it keeps them'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -f -a "by-interface" -d 'What comes in which way: docker, compose, devcontainer, orchestration'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -f -a "unmanaged" -d 'Containers that use a GPU and have no lease'
complete -c gpu-state -n "__fish_gpu_state_needs_command" -f -a "totals" -d 'Slots and GPU equivalents: all, leased, free'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-user" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-user" -l json -d 'The same as -o json'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-user" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-user" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-user" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-user" -s h -l help -d 'Print help'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-container" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-container" -l json -d 'The same as -o json'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-container" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-container" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-container" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-container" -s h -l help -d 'Print help'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-interface" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-interface" -l json -d 'The same as -o json'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-interface" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-interface" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-interface" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand by-interface" -s h -l help -d 'Print help'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand unmanaged" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-state -n "__fish_gpu_state_using_subcommand unmanaged" -l json -d 'The same as -o json'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand unmanaged" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand unmanaged" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand unmanaged" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand unmanaged" -s h -l help -d 'Print help'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand totals" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-state -n "__fish_gpu_state_using_subcommand totals" -l json -d 'The same as -o json'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand totals" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand totals" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand totals" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-state -n "__fish_gpu_state_using_subcommand totals" -s h -l help -d 'Print help'
