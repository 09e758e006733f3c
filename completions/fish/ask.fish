# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ask_global_optspecs
    string join \n o/output= json q/quiet no-color guided h/help V/version
end

function __fish_ask_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ask_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ask_using_subcommand
    set -l cmd (__fish_ask_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ask -n "__fish_ask_needs_command" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c ask -n "__fish_ask_needs_command" -l json -d 'The same as -o json'
complete -c ask -n "__fish_ask_needs_command" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c ask -n "__fish_ask_needs_command" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c ask -n "__fish_ask_needs_command" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c ask -n "__fish_ask_needs_command" -s h -l help -d 'Print help'
complete -c ask -n "__fish_ask_needs_command" -s V -l version -d 'Print version'
complete -c ask -n "__fish_ask_needs_command" -f -a "confirm" -d 'A yes (exit code 0) or a no (exit code 1)'
complete -c ask -n "__fish_ask_needs_command" -f -a "choose" -d 'One of a list, by number or by name'
complete -c ask -n "__fish_ask_needs_command" -f -a "line" -d 'A line of text'
complete -c ask -n "__fish_ask_using_subcommand confirm" -l default -d 'What an empty answer means' -r -f -a "yes\t''
no\t''"
complete -c ask -n "__fish_ask_using_subcommand confirm" -l flag -d 'The option of the calling script that says yes, for its error message' -r
complete -c ask -n "__fish_ask_using_subcommand confirm" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c ask -n "__fish_ask_using_subcommand confirm" -l json -d 'The same as -o json'
complete -c ask -n "__fish_ask_using_subcommand confirm" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c ask -n "__fish_ask_using_subcommand confirm" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c ask -n "__fish_ask_using_subcommand confirm" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c ask -n "__fish_ask_using_subcommand confirm" -s h -l help -d 'Print help'
complete -c ask -n "__fish_ask_using_subcommand choose" -l default -d 'The one that an empty answer means' -r
complete -c ask -n "__fish_ask_using_subcommand choose" -l flag -d 'The option or argument of the calling script that names one' -r
complete -c ask -n "__fish_ask_using_subcommand choose" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c ask -n "__fish_ask_using_subcommand choose" -l json -d 'The same as -o json'
complete -c ask -n "__fish_ask_using_subcommand choose" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c ask -n "__fish_ask_using_subcommand choose" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c ask -n "__fish_ask_using_subcommand choose" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c ask -n "__fish_ask_using_subcommand choose" -s h -l help -d 'Print help'
complete -c ask -n "__fish_ask_using_subcommand line" -l default -d 'What an empty answer means' -r
complete -c ask -n "__fish_ask_using_subcommand line" -l flag -d 'The option or argument of the calling script that gives it' -r
complete -c ask -n "__fish_ask_using_subcommand line" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c ask -n "__fish_ask_using_subcommand line" -l json -d 'The same as -o json'
complete -c ask -n "__fish_ask_using_subcommand line" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c ask -n "__fish_ask_using_subcommand line" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c ask -n "__fish_ask_using_subcommand line" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c ask -n "__fish_ask_using_subcommand line" -s h -l help -d 'Print help'
