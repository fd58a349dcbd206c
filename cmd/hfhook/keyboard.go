package main

import (
	"context"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"golang.org/x/term"
)

// keyboard does what the person at the terminal of hfhook dev asks for with a
// key. Keys never wait: what takes a while goes on beside them.
type keyboard struct {
	d      *dev
	h      *human
	prompt *prompt
	local  string // the URL on this machine

	ctx   context.Context // of what goes on beside
	stop  context.CancelFunc
	works sync.WaitGroup
	tasks []*task

	news   chan struct{} // something is to be told; has room for one
	paused atomic.Bool

	mu   sync.Mutex
	busy map[rune]bool // keys whose work goes on

	// Of typed alone.
	quit    bool
	pasting bool      // what comes is pasted
	heard   time.Time // when something came last
	hinted  time.Time // when it was last said that a key does nothing
}

// keyDeed is what a key is for.
type keyDeed struct {
	key  rune
	name string // of the key; empty: the key itself
	text string // what it does; empty: as the one before
	do   func(*keyboard)
}

// keyDeeds are all keys, in the order in which they are listed.
func keyDeeds() []keyDeed {
	return []keyDeed{
		{'r', "", "replay the last delivery to the handler", (*keyboard).replay},
		{'o', "", "open its page on the Hub", (*keyboard).open},
		{'y', "", "copy it as a curl command", (*keyboard).copyCurl},
		{'c', "", "copy the URL to enter at the Hub", (*keyboard).copyURL},
		{'/', "", "filter what is shown; an empty filter shows all", (*keyboard).filter},
		{'p', "", "pause forwarding, and go on", (*keyboard).pause},
		{'t', "", "reconnect the tunnel", (*keyboard).reconnect},
		{keyEnter, "Enter", "an empty line", (*keyboard).space},
		{'?', "", "list the keys", (*keyboard).help},
		{'q', "", "quit, as Ctrl-C does", (*keyboard).end},
		{keyEnd, "", "", (*keyboard).end},
	}
}

// newKeyboard gives the keyboard of a session, if a person is there: somebody
// who types, and reads what hfhook has to say.
func newKeyboard(d *dev) *keyboard {
	h, ok := d.reporter.(*human)
	if !ok || !h.talk.terminal || !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	return &keyboard{d: d, h: h, prompt: newPrompt(h.talk), news: make(chan struct{}, 1), busy: map[rune]bool{}}
}

// start has keys be read until close. It reports whether they are.
func (k *keyboard) start(ctx context.Context, local string) bool {
	if k == nil {
		return false
	}
	k.local = local
	k.ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	k.prompt.under(k.h.talk)
	k.prompt.under(k.h.out)
	keys, ok := watchKeys(ctx, k)
	if ok {
		k.tasks = append(k.tasks, keys, start(ctx, k.tell))
	}
	return ok
}

// close gives the terminal back, and waits for what goes on.
func (k *keyboard) close() {
	if k == nil || k.stop == nil {
		return
	}
	k.stop()
	for _, t := range k.tasks {
		_ = t.end()
	}
	k.prompt.end()
	k.works.Wait()
}

const (
	// maxTogether is how many keys come at once when a person types, on a line
	// that is slow perhaps. More were pasted, where the terminal marks nothing.
	maxTogether = 16

	// pasteTime is after how much quiet something pasted has ended, if its end is
	// not marked.
	pasteTime = time.Second
)

// typed is for watchKeys. What was pasted is text for the line that is typed,
// and nothing without one.
func (k *keyboard) typed(keys []rune) {
	if time.Since(k.heard) > pasteTime {
		k.pasting = false
	}
	k.heard = time.Now()
	if len(keys) > maxTogether && keys[0] != '/' && !k.pasting && !k.prompt.isOpen() && !slices.Contains(keys, keyPasteBegin) {
		keys = append(append([]rune{keyPasteBegin}, keys...), keyPasteEnd)
	}
	typed := false
	for i, key := range keys {
		switch line := k.prompt.isOpen(); {
		case key == keyPasteBegin, key == keyPasteEnd:
			k.pasting = key == keyPasteBegin
		case line && k.pasting && unicode.IsControl(key):
			k.prompt.typed(' ')
		case line:
			k.typedInLine(key)
			typed = true
		case key == keyInterrupt && !k.pasting: // typed before it was a signal again
			k.end()
		case k.pasting:
			k.hint("what is pasted does nothing here")
		case typed: // behind the end of a line
		case i > 0 && key == keys[i-1]: // held down
		default:
			k.press(key)
		}
	}
	k.prompt.show()
}

// press does what a key is for.
func (k *keyboard) press(key rune) {
	if k.quit {
		return
	}
	for _, deed := range keyDeeds() {
		if deed.key == key {
			deed.do(k)
			return
		}
	}
	if unicode.IsGraphic(key) {
		k.hint("the key " + string(key) + " does nothing")
	}
}

// hint says that something typed does nothing, but not again and again.
func (k *keyboard) hint(text string) {
	if time.Since(k.hinted) < 5*time.Second {
		return
	}
	k.hinted = time.Now()
	k.h.note(text + "; ? lists the keys")
}

// leave and back are for watchKeys: after Ctrl-Z, the terminal is the shell's.
func (k *keyboard) leave() { k.prompt.hide() }

func (k *keyboard) back() {
	if inForeground(int(os.Stdin.Fd())) {
		k.prompt.show()
	} else {
		k.endLine()
	}
}

// beside runs the work of a key, unless the one before goes on.
func (k *keyboard) beside(key rune, name string, work func(context.Context)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy[key] {
		k.h.note(name + " is still under way")
		return
	}
	k.busy[key] = true
	k.works.Go(func() {
		work(k.ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.busy, key)
	})
}

// help lists the keys.
func (k *keyboard) help() {
	k.h.Lock()
	defer k.h.Unlock()
	for _, deed := range keyDeeds() {
		if deed.text == "" {
			continue
		}
		name := deed.name
		if name == "" {
			name = string(deed.key)
		}
		k.h.talk.line("%s%s", k.h.talk.bold(pad(name, blockIndent)), deed.text)
	}
}

// space leaves an empty line between what was and what comes.
func (k *keyboard) space() {
	k.h.Lock()
	defer k.h.Unlock()
	k.h.talk.line("")
}

// end ends the session as the first Ctrl-C does, never as the second.
func (k *keyboard) end() {
	k.quit = true
	interrupt(k.d.c.Context)
}

func (k *keyboard) reconnect() {
	if !k.d.link.canReconnect() {
		k.h.note("there is no tunnel to reconnect")
		return
	}
	k.d.link.watcher.reconnectSoon()
}
