complete -c event-log -l user -d 'Whom it concerns; for admin.* the caller, unless named' -r
complete -c event-log -l source -d 'The tool that says so' -r
complete -c event-log -s o -l output -d 'Form of the answer: json, text, or fields of it, raw and tab-separated' -r
complete -c event-log -l types -d 'List the types there are'
complete -c event-log -l dry-run -d 'Show the line, and write nothing'
complete -c event-log -l json -d 'The same as -o json'
complete -c event-log -s q -l quiet -d 'Say nothing but the answer and errors'
complete -c event-log -l no-color -d 'No colour, also when NO_COLOR is set in the environment'
complete -c event-log -l guided -d 'Explain what happens and what comes next, on stderr'
complete -c event-log -s h -l help -d 'Print help'
complete -c event-log -s V -l version -d 'Print version'
