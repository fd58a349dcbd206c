package main

import (
	"fmt"
	"strings"
)

// filter asks which deliveries are to be shown.
func (k *keyboard) filter() {
	typeLine(true)
	k.prompt.begin("filter: ")
}

// typedInLine takes a key while the filter is typed.
func (k *keyboard) typedInLine(key rune) {
	switch {
	case key == keyEnter:
		if k.setFilter(k.prompt.typedText()) {
			k.endLine()
		}
	case key == keyEscape, key == keyInterrupt, key == keyEnd && k.prompt.typedText() == "":
		k.endLine()
	default:
		k.prompt.typed(key)
	}
}

func (k *keyboard) endLine() {
	k.prompt.end()
	typeLine(false)
}

// setFilter has only those deliveries shown from now on that text chooses. One
// that is no filter can be mended.
func (k *keyboard) setFilter(text string) bool {
	f, err := arrivalFilter(text)
	if err != nil {
		_, hint := explain(err)
		k.h.warning(err.Error(), hint)
		return false
	}
	if text = strings.TrimSpace(text); text == "" {
		k.h.note("everything is shown" + hiddenText(k.d.showing.choose("", nil)))
		return true
	}
	hidden := k.d.showing.choose(text, &f)
	k.h.note(fmt.Sprintf("showing %s only%s; all else is received, kept and forwarded too", text, hiddenText(hidden)))
	return true
}

// hiddenText says what a filter that is over has hidden.
func hiddenText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d %s hidden, hfhook inspect lists all", n, plural(n, "delivery was", "deliveries were"))
}
