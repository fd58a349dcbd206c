#compdef hfhook
# Completion of hfhook for zsh.
_hfhook() {
    local line word program=${(Q)words[1]}
    local -a typed plain texts open opentexts list expl
    program=${program/#\~\//$HOME/}
    (( CURRENT > 2 )) && typed=("${(@Q)words[2,CURRENT-1]}")
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            [[ $PREFIX == -*=* ]] && compset -P 1 '*='
            _files
            return
        fi
        # The word, and behind a tab the line that shows it.
        word=${line%%$'\t'*}
        [[ $line == *$'\t'* ]] && list=(-l)
        if [[ $word == *[:/=] ]]; then
            open+=("$word") opentexts+=("${line#*$'\t'}")
        else
            plain+=("$word") texts+=("${line#*$'\t'}")
        fi
    done < <(printf '%s\0' "${typed[@]}" "${(Q)PREFIX}" | $program __complete zsh $COLUMNS 2>/dev/null)
    _wanted -V hfhook expl hfhook compadd $list -d texts -a plain
    (( $#open )) && _wanted -V hfhook expl hfhook compadd -S '' $list -d opentexts -a open
}
if [[ $funcstack[1] == _hfhook ]]; then
    _hfhook "$@"
else
    compdef _hfhook hfhook
fi
