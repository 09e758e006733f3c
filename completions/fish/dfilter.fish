# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_dfilter_global_optspecs
    string join \n listen= upstream= mode= o/output= json q/quiet no-color guided h/help V/version
end

function __fish_dfilter_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_dfilter_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_dfilter_using_subcommand
    set -l cmd (__fish_dfilter_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c dfilter -n "__fish_dfilter_needs_command" -l listen -d 'Socket for everybody, in place of /var/run/docker.sock; one that systemd passes comes first' -r -F
complete -c dfilter -n "__fish_dfilter_needs_command" -l upstream -d 'Socket of the Docker daemon, in place of /var/run/docker-real.sock' -r -F
complete -c dfilter -n "__fish_dfilter_needs_command" -l mode -d 'Refuse, or only record what would be refused' -r -f -a "enforce\t'The request is refused'
warn\t'The request passes, and what would have been refused is recorded'"
complete -c dfilter -n "__fish_dfilter_needs_command" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c dfilter -n "__fish_dfilter_needs_command" -l json -d 'The same as -o json'
complete -c dfilter -n "__fish_dfilter_needs_command" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c dfilter -n "__fish_dfilter_needs_command" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c dfilter -n "__fish_dfilter_needs_command" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c dfilter -n "__fish_dfilter_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dfilter -n "__fish_dfilter_needs_command" -s V -l version -d 'Print version'
complete -c dfilter -n "__fish_dfilter_needs_command" -f -a "check" -d 'Look at the engine and its sockets, and say what is open'
complete -c dfilter -n "__fish_dfilter_needs_command" -f -a "explain" -d 'The verdict on a request, without sending it'
complete -c dfilter -n "__fish_dfilter_using_subcommand check" -l upstream -d 'Socket of the Docker daemon, in place of /var/run/docker-real.sock' -r -F
complete -c dfilter -n "__fish_dfilter_using_subcommand check" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c dfilter -n "__fish_dfilter_using_subcommand check" -l json -d 'The same as -o json'
complete -c dfilter -n "__fish_dfilter_using_subcommand check" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c dfilter -n "__fish_dfilter_using_subcommand check" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c dfilter -n "__fish_dfilter_using_subcommand check" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c dfilter -n "__fish_dfilter_using_subcommand check" -s h -l help -d 'Print help'
complete -c dfilter -n "__fish_dfilter_using_subcommand explain" -l as -d 'Who asks' -r
complete -c dfilter -n "__fish_dfilter_using_subcommand explain" -l upstream -d 'Socket of the Docker daemon, in place of /var/run/docker-real.sock' -r -F
complete -c dfilter -n "__fish_dfilter_using_subcommand explain" -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c dfilter -n "__fish_dfilter_using_subcommand explain" -l json -d 'The same as -o json'
complete -c dfilter -n "__fish_dfilter_using_subcommand explain" -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c dfilter -n "__fish_dfilter_using_subcommand explain" -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c dfilter -n "__fish_dfilter_using_subcommand explain" -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c dfilter -n "__fish_dfilter_using_subcommand explain" -s h -l help -d 'Print help'
