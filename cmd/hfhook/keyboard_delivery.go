package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/archive"
)

// newest gives the delivery that keys are about, or says that there is none.
func (k *keyboard) newest(ctx context.Context) (*replay.Delivery, bool) {
	d, err := k.d.showing.newest(ctx, k.d.store, k.d.only)
	switch {
	case err == nil:
		return d, true
	case ctx.Err() != nil:
	case errors.Is(err, replay.ErrNotFound):
		text := "nothing has come in yet"
		if f, _, _ := k.d.showing.state(); f != nil {
			text = "nothing has come in that the filter shows"
		}
		k.h.note(text)
	default:
		k.h.warning(fmt.Sprintf("cannot read the store: %s", err), "")
	}
	return nil, false
}

// replay sends the newest delivery once more to every handler that it is for.
// What comes of it is news of the store, as that of every attempt.
func (k *keyboard) replay() {
	if len(k.d.targets) == 0 {
		k.h.warning("there is no handler to replay to", "start hfhook dev with --forward http://localhost:3000, or see hfhook replay --to")
		return
	}
	k.beside('r', "a replay", func(ctx context.Context) {
		d, ok := k.newest(ctx)
		if !ok {
			return
		}
		names := k.d.dispatcher.TargetsFor(d)
		if len(names) == 0 {
			k.h.note(fmt.Sprintf("no route is for #%d; hfhook replay --to URL %d sends it anywhere", d.ID, d.ID))
			return
		}
		k.h.note(fmt.Sprintf("replaying #%d", d.ID))
		for _, target := range k.d.targets {
			if ctx.Err() != nil || !slices.Contains(names, target.Name()) {
				continue
			}
			if _, err := replay.Resend(ctx, k.d.store, target, d); err != nil {
				k.h.warning(err.Error(), "")
			}
		}
	})
}

// open shows the page of the newest delivery in the browser.
func (k *keyboard) open() {
	k.beside('o', "opening a page", func(ctx context.Context) {
		d, ok := k.newest(ctx)
		if !ok {
			return
		}
		p, err := payload.Decode(d.Body)
		if err != nil {
			k.h.note(fmt.Sprintf("#%d is about no page", d.ID))
			return
		}
		page, ok := pageOf(p)
		if !ok {
			k.h.note(fmt.Sprintf("#%d names no page on the Hub", d.ID))
			return
		}
		commands := browsers(os.Getenv)
		if len(commands) == 0 {
			k.h.note("there is no browser here; the page is " + page)
			return
		}
		k.h.note("opening " + page)
		if err := browse(ctx, commands, page); err != nil {
			k.h.warning(fmt.Sprintf("cannot open the page: %s", err), "open it yourself: "+page)
		}
	})
}

// copyCurl puts a command on the clipboard that sends the newest delivery again.
func (k *keyboard) copyCurl() {
	k.beside('y', "copying", func(ctx context.Context) {
		d, ok := k.newest(ctx)
		if !ok {
			return
		}
		command, err := k.curl(d)
		if err != nil {
			_, hint := explain(err)
			k.h.warning(err.Error(), hint)
			return
		}
		flags := ""
		if file := k.d.c.String("store"); file != "" {
			flags = "--store " + shellQuote(file) + " "
		}
		if _, err := curlTarget(k.d.c, d); err != nil {
			flags += "--to URL "
		}
		k.copy(command, fmt.Sprintf("#%d as a curl command", d.ID), fmt.Sprintf("hfhook inspect --curl %s%d", flags, d.ID))
	})
}

// curl is the command for where d was sent, or would be.
func (k *keyboard) curl(d *replay.Delivery) (string, error) {
	var names []string
	if name, err := curlTarget(k.d.c, d); err == nil {
		names = append(names, name)
	}
	for _, target := range k.d.targets {
		names = append(names, target.Name())
	}
	names = append(names, k.local) // hfhook itself
	for _, name := range names {
		if _, err := addressFor(name, d); err != nil {
			continue // no URL
		}
		command, err := curlTo(name, k.d.c.String("store"), d, archive.CurlInline)
		if len(command) > maxCopied { // the body is read from the store
			command, err = curlTo(name, k.d.c.String("store"), d, 0)
		}
		return command, err
	}
	return "", failed(fmt.Errorf("delivery %d has no address to send it to", d.ID), "")
}

// copyURL puts the URL on the clipboard that is to be entered at the Hub.
func (k *keyboard) copyURL() {
	address, what := k.local, "the local URL"
	if public := k.d.link.publicURL(); public != nil {
		address, what = public.JoinPath(k.d.c.String("path")).String(), "the URL"
		if k.d.link.trustedURL() == nil {
			k.h.note("not copied, because somebody else answers there: " + address)
			return
		}
	}
	k.copy(address, what, address)
}

// copy has the terminal put text on the clipboard. Whether it did nobody tells,
// so that there is another way always.
func (k *keyboard) copy(text, what, otherwise string) {
	sequence := copying(text, os.Getenv)
	switch {
	case len(text) > maxCopied:
		k.h.note(what + " is too long to be copied: " + otherwise)
	case sequence == "":
		k.h.note("this terminal copies nothing: " + otherwise)
	default:
		k.prompt.raw(sequence)
		k.h.note("copied " + what + ", unless the terminal forbids it: " + otherwise)
	}
}
