package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay/sqlite"
)

const (
	// storeTime bounds the look through the store, which reads all of it.
	storeTime = 10 * time.Second

	// lowSpace on the disk is worth a warning.
	lowSpace = 256 << 20
)

// checkStore also makes the folder for doctor's own store, beside the real one
// so that it is on the same disk.
func (d *doctor) checkStore(ctx context.Context) {
	const name = "store"
	path, err := storePath(d.c)
	if err != nil {
		d.say(ctx, troubleOf(name, checkFailed, err))
		return
	}
	folder := nearest(filepath.Dir(path))
	if d.folder, err = os.MkdirTemp(folder, ".hfhook-doctor-"); err != nil {
		d.say(ctx, finding{name, checkFailed, fmt.Sprintf("the folder %s cannot be written: %s", folder, pathProblem(err)),
			"make it writable, or name another file with --store FILE"})
		return
	}
	within, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	health, err := sqlite.Check(within, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.say(ctx, good(name, "%s is made at the first start", path))
	case errors.Is(err, context.DeadlineExceeded):
		d.say(ctx, finding{name, checkWarning, fmt.Sprintf("%s cannot be looked through within %s", path, storeTime), "keep less: hfhook dev --keep LIMITS"})
	case err != nil:
		d.say(ctx, troubleOf(name, checkFailed, err))
	default:
		d.user = health.User
		text := fmt.Sprintf("%s is sound, with %d %s", path, health.Deliveries, plural(int(health.Deliveries), "delivery", "deliveries"))
		if info, err := os.Stat(path); err == nil {
			text += " in " + bytesText(info.Size())
		}
		if d.user != nil {
			text += "; " + d.running() + " is at work with it"
		}
		d.say(ctx, good(name, "%s", text))
		d.checkPrivate(ctx, name, path)
	}
	if d.c.String("store") == "" { // another folder may be anything
		d.checkPrivate(ctx, name, filepath.Dir(path))
	}
	if free, ok := sqlite.FreeSpace(folder); ok && free < lowSpace {
		d.say(ctx, finding{name, checkWarning, fmt.Sprintf("the disk of %s has only %s left", folder, bytesText(int64(free))),
			"make some room: once it is full, deliveries are refused"})
	}
}

// running names the hfhook dev that runs on the store.
func (d *doctor) running() string {
	if d.user.PID == 0 {
		return "a running hfhook dev"
	}
	return fmt.Sprintf("the running hfhook dev (process %d)", d.user.PID)
}

// checkPrivate warns of a file or folder that is there and not the user's
// alone.
func (d *doctor) checkPrivate(ctx context.Context, name, path string) {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return
	}
	mode := "600"
	if info.IsDir() {
		mode = "700"
	}
	d.say(ctx, finding{name, checkWarning, fmt.Sprintf("others on this machine can get at %s (mode %03o)", path, info.Mode().Perm()),
		"chmod " + mode + " " + shellQuote(path)})
}

// nearest is the first of folder and those above that is there.
func nearest(folder string) string {
	folder, err := filepath.Abs(folder)
	for err == nil {
		parent := filepath.Dir(folder)
		if _, err := os.Stat(folder); err == nil || parent == folder {
			break
		}
		folder = parent
	}
	return folder
}

// pathProblem is an error about a path without the path.
func pathProblem(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func (d *doctor) checkSecret(ctx context.Context) {
	const name = "secret"
	s, err := findSecret(d.c, false)
	switch {
	case err != nil:
		d.say(ctx, troubleOf(name, checkFailed, err))
	case s.source == secretGiven:
		d.say(ctx, good(name, "comes from %s", d.secretGiver(s.value)))
	case s.source == secretKept:
		if err := receiver.CheckSecret(s.value); err != nil {
			d.say(ctx, finding{name, checkFailed, fmt.Sprintf("%s: %s", s.file, err), "hfhook secret --new makes a new one"})
			return
		}
		d.say(ctx, good(name, "is kept in %s", s.file))
		d.checkPrivate(ctx, name, s.file)
	case d.c.Bool("no-secret"):
		d.say(ctx, finding{name, checkWarning, "none: everybody who knows the URL can post", "leave out --no-secret"})
	default:
		d.say(ctx, good(name, "is generated at the first start"))
	}
}

// secretGiver names where a secret comes from that was given.
func (d *doctor) secretGiver(value string) string {
	if typed(d.c, "secret") {
		return "--secret, where other users of this machine can see it"
	}
	for _, name := range []string{"HFHOOK_SECRET", "WEBHOOK_SECRET"} {
		if os.Getenv(name) == value {
			return name
		}
	}
	return "a settings file"
}

func (d *doctor) checkPort(ctx context.Context) {
	const name = "port"
	switch {
	case d.listenErr == nil:
		d.say(ctx, good(name, "%s is free", d.local.Addr()))
	case d.user != nil && errors.Is(d.listenErr, receiver.ErrAddrInUse):
		d.say(ctx, finding{name, checkWarning, fmt.Sprintf("%s, probably by %s", d.listenErr, d.running()),
			"for a second hfhook dev choose another address: hfhook dev --listen 7861"})
	default:
		d.say(ctx, troubleOf(name, checkFailed, d.listenErr))
	}
}
