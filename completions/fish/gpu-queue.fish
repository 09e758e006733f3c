# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_gpu_queue_global_optspecs
    string join \n o/output= json q/quiet no-color guided h/help V/version
end

function __fish_gpu_queue_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_gpu_queue_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_gpu_queue_using_subcommand
    set -l cmd (__fish_gpu_queue_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -l json -d 'The same as -o json'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -s h -l help -d 'Print help'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -s V -l version -d 'Print version'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -f -a "join" -d 'Wait for GPU slots'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -f -a "leave" -d 'Give up waiting'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -f -a "remove" -d 'Give up waiting'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -f -a "list" -d 'Who waits, first in line first, and when each may expect to start'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -f -a "position" -d 'Where somebody\'s own entries stand'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -f -a "pass" -d 'Give claims to those whose turn it is, and end those that ran out; for timers'
complete -c gpu-queue -n "__fish_gpu_queue_needs_command" -f -a "process" -d 'Give claims to those whose turn it is, and end those that ran out; for timers'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -l gpus -d 'How many slots, all of one kind and at once' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -l profile -d 'Which kind: any, full, mig, or a MIG profile such as 2g.20gb' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -l max-runtime -l for -d 'The longest the run may take, such as 4h; the shorter, the sooner it fits in' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -l container -d 'The container it is for; asked again for the same, the place stays' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -l user -d 'For somebody else; admins only' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -s y -l yes -d 'Answer every question with yes'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -l json -d 'The same as -o json'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand join" -s h -l help -d 'Print help'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -l user -d 'Somebody else\'s; admins only' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -l all -d 'All of them'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -s y -l yes -d 'Answer every question with yes'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -l json -d 'The same as -o json'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand leave" -s h -l help -d 'Print help'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -l user -d 'Somebody else\'s; admins only' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -l all -d 'All of them'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -s y -l yes -d 'Answer every question with yes'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -l json -d 'The same as -o json'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand remove" -s h -l help -d 'Print help'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand list" -l user -d 'Entries of this user alone' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand list" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand list" -l json -d 'The same as -o json'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand list" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand list" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand list" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand list" -s h -l help -d 'Print help'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand position" -l user -d 'Entries of this user alone' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand position" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand position" -l json -d 'The same as -o json'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand position" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand position" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand position" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand position" -s h -l help -d 'Print help'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand pass" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand pass" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand pass" -s y -l yes -d 'Answer every question with yes'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand pass" -l json -d 'The same as -o json'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand pass" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand pass" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand pass" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand pass" -s h -l help -d 'Print help'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand process" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand process" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand process" -s y -l yes -d 'Answer every question with yes'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand process" -l json -d 'The same as -o json'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand process" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand process" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand process" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-queue -n "__fish_gpu_queue_using_subcommand process" -s h -l help -d 'Print help'
