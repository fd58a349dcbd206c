# Completion of hfhook for fish.
function __hfhook_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program (string replace -r '^~/' $HOME/ -- $words[1])
    command -q $program; or return
    set -e words[1]
    for line in (string join0 -- $words "$word" | $program __complete fish 2>/dev/null)
        if test "$line" = :files
            set -l flag (string match -r -- '^-[^=]*=' "$word")
            set -l name (string replace -- "$flag" '' "$word")
            for file in (__fish_complete_path "$name")
                echo "$flag$file"
            end
        else
            echo $line
        end
    end
end
complete -c hfhook -k -f -a '(__hfhook_complete)'
