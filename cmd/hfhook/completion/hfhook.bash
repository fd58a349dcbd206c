# Completion of hfhook for bash.
_hfhook() {
    local line
    COMPREPLY=()
    compopt -o nosort 2>/dev/null
    while IFS= read -r line; do
        case $line in
            :nospace) compopt -o nospace 2>/dev/null ;;
            :files)
                # The bash of macOS has no compopt.
                compopt -o default 2>/dev/null && continue
                while IFS= read -r line; do
                    COMPREPLY+=("$line")
                done < <(compgen -f -- "$2")
                ;;
            *) COMPREPLY+=("$line") ;;
        esac
    done < <(printf '%s' "${COMP_LINE:0:COMP_POINT}" |
        "${1/#\~\//$HOME/}" __complete bash "$COMP_WORDBREAKS" "$COMP_TYPE" "$COLUMNS" 2>/dev/null)
}
complete -F _hfhook hfhook
