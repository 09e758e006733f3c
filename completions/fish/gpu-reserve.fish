# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_gpu_reserve_global_optspecs
    string join \n o/output= json q/quiet no-color guided h/help V/version
end

function __fish_gpu_reserve_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_gpu_reserve_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_gpu_reserve_using_subcommand
    set -l cmd (__fish_gpu_reserve_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -l json -d 'The same as -o json'
complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -s h -l help -d 'Print help'
complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -s V -l version -d 'Print version'
complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -f -a "add" -d 'Reserve slots; refused with the other party\'s name where it collides'
complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -f -a "list" -d 'What is reserved, and the calendar of all slots'
complete -c gpu-reserve -n "__fish_gpu_reserve_needs_command" -f -a "cancel" -d 'Give reservations up'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l user -d 'For whom; the caller where nobody is named' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l gpus -d 'How many slots, of those that are free for it' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l profile -d 'Of which kind: any, full, mig, or a MIG profile such as 2g.20gb' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l slot -d 'These very slots, by display name or UUID' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l from -d 'When it begins, in UTC where no zone is given; now where it is left out' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l until -d 'When it ends' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l for -d 'How long it lasts, in place of --until' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l every -d 'Again every day, or every week on the same day' -r -f -a "day\t''
week\t''"
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l on -d 'Again every week on these days' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l until-date -d 'The last day on which it comes again' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l reason -d 'What it is for' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l even-if-held -d 'Also where somebody without a known end is on a slot; their run goes on'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -s y -l yes -d 'Answer every question with yes'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l json -d 'The same as -o json'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand add" -s h -l help -d 'Print help'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -l from -d 'Where the calendar begins; now where it is left out' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -l for -d 'How much time it shows' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -l user -d 'Reservations of this user alone' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -l timeline -d 'The calendar alone; in JSON as one document'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -l json -d 'The same as -o json'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand list" -s h -l help -d 'Print help'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand cancel" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand cancel" -l dry-run -d 'Show what would change, and change nothing'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand cancel" -s y -l yes -d 'Answer every question with yes'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand cancel" -l json -d 'The same as -o json'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand cancel" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand cancel" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand cancel" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c gpu-reserve -n "__fish_gpu_reserve_using_subcommand cancel" -s h -l help -d 'Print help'
