// Package registration points webhooks of the Hub at a session, and leaves the
// Hub as it was found.
//
// A [Registry] makes a webhook (Create) or takes over an existing one (Borrow).
// The [Registration] follows the session's URL, and is undone by Release. Each
// change is in a journal on disk before the Hub is asked for it, so what a
// session leaves behind that was killed is undone by Repair of the next one.
//
// What is not known about the Hub is done the safe way: every update sends the
// secret along. Keys of a setting that are not known are sent back as they are
// found at that moment.
package registration

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/hfhook/hfhook/hub"
)

// Options are for New.
type Options struct {
	// Client talks to the Hub. Required.
	Client *hub.Client

	// Folder is where the journal is, and nothing else. It is made when it is
	// first needed. Required.
	Folder string

	// Settle is how long a call that was on its way when its program died may
	// take to arrive at the Hub. Repair waits for that long before it looks at
	// what such a call has done. Default: 2 s.
	Settle time.Duration

	// Now is the time of day, for Borrow to tell whether a webhook is in use,
	// and for people who read the journal. Default: time.Now.
	Now func() time.Time

	// Log takes what goes wrong and can be lived with. Default: none.
	Log *slog.Logger
}

// endTimeout bounds the undoing of what a failed Create or Borrow left.
const endTimeout = 10 * time.Second

// Registry makes registrations, and repairs those of sessions that died. Its
// methods may be called at the same time, in several processes too.
type Registry struct {
	client *hub.Client
	folder folder
	settle time.Duration
	now    func() time.Time
	log    *slog.Logger

	mu   sync.Mutex
	user string // whose the token is; empty: not asked yet
}

// New makes a Registry. It touches neither the Hub nor the folder yet.
func New(o Options) *Registry {
	r := &Registry{
		client: o.Client,
		folder: folder{o.Folder, realDisk{}},
		settle: cmp.Or(o.Settle, 2*time.Second),
		now:    o.Now,
		log:    cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
	}
	if r.now == nil {
		r.now = time.Now
	}
	return r
}

// whose asks the Hub whose the token is, once.
func (r *Registry) whose(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.user == "" {
		id, err := r.client.WhoAmI(ctx)
		if err != nil {
			return "", err
		}
		r.user = cmp.Or(id.Name, "?")
	}
	return r.user, nil
}

// session is an entry of the journal whose lock is held.
type session struct {
	*Registry
	id    string
	lock  *flock.Flock
	entry entry
	kept  *kept // nil: created
}

// start writes the entry of a new session. Before it returns without an error,
// nothing may be changed at the Hub.
func (r *Registry) start(ctx context.Context, id string, e entry, k *kept) (*session, error) {
	e.Version, e.Started, e.Endpoint, e.Pending = version, r.now().UTC().Truncate(time.Second), r.client.Endpoint(), true
	s := &session{Registry: r, id: id, lock: newLock(r.folder.file(id, lockExt)), entry: e, kept: k}
	err := r.folder.make()
	if err == nil {
		err = r.folder.exclusive(ctx, s.begin)
	}
	if err == nil {
		return s, nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return nil, err
	}
	return nil, r.unwritable(err)
}

// begin is the part of start that needs the lock of the folder.
func (s *session) begin() error {
	named, err := s.named()
	if err != nil {
		return err
	}
	if named[s.entry.Webhook] {
		return &Error{
			Text: "webhook " + s.entry.Webhook + " is with another session, which has not put it back yet",
			Hint: "end that session; if it ended already, repair what it left first",
			Err:  ErrTaken,
		}
	}
	if _, err := s.lock.TryLock(); err != nil {
		return err
	}
	if err := s.store(); err != nil {
		return errors.Join(err, s.remove())
	}
	return nil
}

// store writes both files. The caller holds the lock of the folder.
func (s *session) store() error {
	if s.kept != nil {
		b, err := s.kept.encode()
		if err == nil {
			err = s.folder.write(s.id, secretExt, b)
		}
		if err != nil {
			return err
		}
	}
	return s.storeEntry()
}

func (s *session) storeEntry() error {
	b, err := seal(s.entry)
	if err != nil {
		return err
	}
	return s.folder.write(s.id, entryExt, b)
}

// save writes the entry again.
func (s *session) save(ctx context.Context) error {
	if err := s.folder.exclusive(ctx, s.storeEntry); err != nil {
		return s.unwritable(err)
	}
	return nil
}

// note writes down what a call did. The entry before it, which says what the
// call was about to do, is good enough when that fails.
func (s *session) note(ctx context.Context) {
	if err := s.save(context.WithoutCancel(ctx)); err != nil {
		s.log.WarnContext(ctx, "the journal was not brought up to date", "err", err)
	}
}

// end gives the session up. With done its entry goes too; otherwise it stays
// for Repair.
func (s *session) end(ctx context.Context, done bool) {
	var err error
	if done {
		err = s.folder.exclusive(context.WithoutCancel(ctx), s.remove)
	}
	if err = errors.Join(err, s.lock.Close()); err != nil {
		s.log.WarnContext(ctx, "the journal was not tidied up", "err", err)
	}
}

// remove takes all files away. The caller holds the lock of the folder, so that
// nobody takes this for a session that died.
func (s *session) remove() error { return errors.Join(s.lock.Close(), s.folder.remove(s.id)) }

// named are the webhooks at this Hub that other entries name, of sessions that
// live or are to be repaired. The caller holds the lock of the folder.
func (s *session) named() (map[string]bool, error) {
	ids, err := s.folder.sessions()
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, id := range ids {
		if id == s.id {
			continue
		}
		b, err := s.folder.read(id, entryExt)
		if err != nil {
			continue
		}
		if e, err := decodeEntry(b); err == nil && e.Endpoint == s.entry.Endpoint && e.Webhook != "" {
			all[e.Webhook] = true
		}
	}
	return all, nil
}

// leftovers takes the entries of sessions that are gone, and says which files
// cannot be used.
func (r *Registry) leftovers(ctx context.Context) (left []*session, unusable []Outcome, err error) {
	err = r.folder.exclusive(ctx, func() error {
		ids, err := r.folder.sessions()
		for _, id := range ids {
			s := &session{Registry: r, id: id, lock: newLock(r.folder.file(id, lockExt))}
			switch ok, err := s.lock.TryLock(); {
			case err != nil:
				unusable = append(unusable, r.unusable(id, lockExt, err))
				continue
			case !ok: // it lives
				continue
			}
			ext, err := s.load()
			switch {
			case err == nil:
				left = append(left, s)
				continue
			case ext == entryExt && errors.Is(err, fs.ErrNotExist): // it died before or after all
				err = s.remove()
			default:
				unusable = append(unusable, r.unusable(id, ext, err))
				err = nil
			}
			if err = errors.Join(err, s.lock.Close()); err != nil {
				r.log.WarnContext(ctx, "the journal was not tidied up", "err", err)
			}
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) { // there was never a session
		err = nil
	}
	return left, unusable, err
}

// load reads both files. ext is of the one that an error is about.
func (s *session) load() (ext string, err error) {
	b, err := s.folder.read(s.id, entryExt)
	if err != nil {
		return entryExt, err
	}
	e, err := decodeEntry(b)
	if err != nil {
		return entryExt, err
	}
	s.entry = *e
	if e.Kind == created {
		return "", nil
	}
	if b, err = s.folder.read(s.id, secretExt); err == nil {
		s.kept, err = decodeKept(b)
	}
	return secretExt, err
}
