complete -c ds01-events -l user -d 'Only this user\'s events' -r
complete -c ds01-events -l type -d 'Only this type, or a whole family: gpu.hold, or gpu' -r
complete -c ds01-events -l container -d 'Only this container: its name, with or without ._.USER, or its id' -r
complete -c ds01-events -l since -d 'Only from this moment on: 2026-11-21T10:30:00Z, or 2h for two hours ago' -r
complete -c ds01-events -l until -d 'Only before this moment' -r
complete -c ds01-events -s n -l last -d 'Only the last COUNT of them' -r
complete -c ds01-events -l file -d 'Read this file instead of the log, - for stdin' -r -F
complete -c ds01-events -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c ds01-events -s f -l follow -d 'Show the last ten, and go on with each that comes'
complete -c ds01-events -l summary -d 'Count them by type and by user instead'
complete -c ds01-events -l json -d 'The same as -o json'
complete -c ds01-events -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c ds01-events -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c ds01-events -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c ds01-events -s h -l help -d 'Print help'
complete -c ds01-events -s V -l version -d 'Print version'
