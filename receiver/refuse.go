package receiver

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hfhook/hfhook/replay"
)

// refusal is why a request is not let in: an answer, and the reason in words.
type refusal struct {
	status int
	reason string
}

// refuse answers a request that is not let in, and keeps it as rejected where
// there is a store. The log warns of what is not kept.
func (q *request) refuse(no *refusal) {
	q.readBy(refuseTimeout)
	var receipt replay.Receipt
	var kept bool
	if q.s.o.Store != nil && q.recorded() {
		receipt, kept = q.keepRefused(no)
	} else if unsaid, ok := q.s.refused.say(); ok {
		q.s.log.Warn("request refused", "status", no.status, "reason", no.reason, "endpoint", q.endpoint, "remote", q.r.RemoteAddr, "more", unsaid)
	}
	if q.debug() {
		q.s.log.Debug("request refused", "status", no.status, "reason", no.reason, "endpoint", q.endpoint, "remote", q.r.RemoteAddr, "kept", kept)
	}
	if q.answerError(no.status, no.reason) && kept {
		q.answered(receipt, no.status)
	}
}

// recorded reports whether a refused request is worth keeping. Under AnyPath
// not every stray GET of a browser is.
func (q *request) recorded() bool {
	return q.r.Method == http.MethodPost || strings.HasPrefix(q.path, prefix)
}

// keepRefused stores a request that was not let in. Few do so at once, so that
// strangers cannot keep the store from those that are let in.
func (q *request) keepRefused(no *refusal) (replay.Receipt, bool) {
	select {
	case q.s.lane <- struct{}{}:
		defer func() { <-q.s.lane }()
	default:
		if unsaid, ok := q.s.missed.say(); ok {
			q.s.warnMissed(unsaid + 1)
		}
		return replay.Receipt{}, false
	}
	q.readSome()
	receipt, err := q.store(q.rejected(no.reason), nil)
	if err != nil {
		q.s.log.Error("refused request not stored", "endpoint", q.endpoint, "err", err)
		return replay.Receipt{}, false
	}
	return receipt, true
}

// lane is how many refused requests are stored at once.
const lane = 8

func (s *Server) warnMissed(n int64) {
	s.log.Warn("refused requests not kept, because too many came at once", "count", n)
}

// sayRest tells at the end what was not told yet.
func (s *Server) sayRest() {
	if n := s.missed.rest(); n > 0 {
		s.warnMissed(n)
	}
	if n := s.refused.rest(); n > 0 {
		s.log.Warn("more requests refused", "count", n)
	}
}

// seldom lets something be said once a second, and counts what is not: a flood
// of strangers is not to be one of words.
type seldom struct {
	mu     sync.Mutex
	said   time.Time
	unsaid int64
}

// say reports whether it may be said now, and how often it was not before.
func (s *seldom) say() (unsaid int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.said) >= time.Second {
		s.said, unsaid, s.unsaid = now, s.unsaid, 0
		return unsaid, true
	}
	s.unsaid++
	return 0, false
}

func (s *seldom) rest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.unsaid
	s.unsaid = 0
	return n
}
