package receiver

import (
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

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
	}
	level := slog.LevelWarn
	if kept {
		level = slog.LevelDebug
	}
	q.s.log.Log(q.r.Context(), level, "request refused", "status", no.status, "reason", no.reason, "endpoint", q.endpoint, "remote", q.r.RemoteAddr)
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
	if !q.s.lane.enter() {
		return replay.Receipt{}, false
	}
	defer func() {
		if missed := q.s.lane.leave(); missed > 0 {
			q.s.log.Warn("refused requests not kept, because too many came at once", "count", missed)
		}
	}()
	q.readSome()
	receipt, err := q.store(q.rejected(no.reason), nil)
	if err != nil {
		q.s.log.Error("refused request not stored", "endpoint", q.endpoint, "err", err)
		return replay.Receipt{}, false
	}
	return receipt, true
}

// lane lets a few in at a time and counts those it turns away.
type lane struct {
	places chan struct{}
	missed *atomic.Int64
}

func newLane() lane { return lane{make(chan struct{}, 8), new(atomic.Int64)} }

func (l lane) enter() bool {
	select {
	case l.places <- struct{}{}:
		return true
	default:
		l.missed.Add(1)
		return false
	}
}

// leave gives the number of those turned away since it was last asked.
func (l lane) leave() (missed int64) {
	<-l.places
	return l.missed.Swap(0)
}
