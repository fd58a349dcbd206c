package registration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/hfhook/hfhook/hub"
)

var (
	// ErrChanged: somebody else changed the setting, and it is left as it is.
	ErrChanged = errors.New("somebody else changed the webhook")

	// ErrTaken: another session has borrowed or created the webhook.
	ErrTaken = errors.New("another session has the webhook")

	// ErrJournal: nothing was changed, because the journal cannot be written.
	ErrJournal = errors.New("the journal cannot be written")

	// ErrOver: the registration was released.
	ErrOver = errors.New("the registration is over")
)

// Error says what went wrong, and what to do about it. No field holds a secret,
// and all of them print safely.
type Error struct {
	Text string // one line
	Hint string // what the user can do; may be empty
	Err  error  // the cause: an error of this package, an *InUseError or an *hub.Error
}

// Error is Text.
func (e *Error) Error() string { return e.Text }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// InUseError is why a webhook is not borrowed: it looks like production.
type InUseError struct {
	Webhook     string
	Host        string // of its URL, or its Job
	LastTrigger time.Time
}

// Error tells all of it in one line.
func (e *InUseError) Error() string {
	return fmt.Sprintf("webhook %s is in use: %s got its last event on %s", e.Webhook, e.Host, e.LastTrigger.UTC().Format("2 January 2006 at 15:04 UTC"))
}

// own gives the Error of this package that err wraps, if it does: what the
// client put around it adds nothing.
func own(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return err
}

// hintOf is what err says that the user can do.
func hintOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	if e, ok := errors.AsType[*hub.Error](err); ok {
		return e.Hint
	}
	return ""
}

// refused reports whether a call that failed surely changed nothing.
func refused(err error) bool {
	e, ok := errors.AsType[*hub.Error](err)
	if !ok {
		return false
	}
	if e.Status != 0 {
		return e.Status >= 300 && e.Status < 500
	}
	_, early := errors.AsType[*Error](err)
	for _, unsent := range []error{hub.ErrInvalid, hub.ErrNoToken, hub.ErrOffline, hub.ErrSecretUnknown, hub.ErrJobUnknown} {
		early = early || errors.Is(err, unsent)
	}
	return early
}

// general reports whether the next call will fail like this one.
func general(err error) bool {
	e, ok := errors.AsType[*hub.Error](err)
	return ok && (e.Status == 0 || e.Status == 401 || e.Status == 403 || e.Status == 429 || e.Status >= 500)
}

// unwritable is the Error for a journal that takes no entry.
func (r *Registry) unwritable(err error) *Error {
	return &Error{
		Text: fmt.Sprintf("the journal in %s cannot be written (%s), so nothing was changed at the Hub", r.folder, reason(err)),
		Hint: "the folder and its files must be yours alone and writable, and the disk must not be full",
		Err:  errors.Join(ErrJournal, err),
	}
}

// reason is what went wrong with a file, without the names of calls and files.
func reason(err error) string {
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		return e.Error()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "another process has it locked"
	case errors.Is(err, context.Canceled):
		return "it was given up"
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}
