package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// smallBody is how long a body may be that is read without leave, in bytes.
// Nearly all are. As many as there are connections can be under way.
const smallBody = 64 << 10

// read takes the body, within MaxBody and Timeout, or says what is wrong. The
// caller gives back what q.held then is.
func (q *request) read() *refusal {
	limit := q.s.o.MaxBody
	if q.r.ContentLength > limit {
		return tooLarge(limit)
	}
	if q.whole {
		return nil
	}
	deadline := time.Now().Add(q.s.o.Timeout)
	q.readBy(time.Until(deadline))
	body := http.MaxBytesReader(q.w, q.r.Body, limit)
	var buf bytes.Buffer
	// No more than this on the word of a Content-Length; more as it comes in.
	buf.Grow(int(min(max(q.r.ContentLength, 0), smallBody)) + bytes.MinRead)
	n, err := buf.ReadFrom(io.LimitReader(body, smallBody))
	if err == nil && n == smallBody && q.r.ContentLength != smallBody {
		left := time.Until(deadline)
		if !q.hold(limit) {
			q.body = buf.Bytes()
			q.w.Header().Set("Retry-After", "5")
			return &refusal{status: http.StatusServiceUnavailable, reason: "too many large deliveries at once"}
		}
		q.readBy(left) // the wait was not the sender's
		_, err = buf.ReadFrom(body)
	}
	q.body = buf.Bytes()
	if err == nil {
		q.whole = true
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &refusal{status: http.StatusRequestTimeout, reason: "the body did not arrive in time"}
	}
	return &refusal{status: http.StatusBadRequest, reason: "the body ended early or was malformed"}
}

// hold waits until there is room for a large body, in the order in which they
// came, and takes it.
func (q *request) hold(limit int64) bool {
	n := limit
	if q.r.ContentLength >= 0 {
		n = q.r.ContentLength
	}
	ctx, cancel := context.WithTimeout(q.r.Context(), slotWait)
	defer cancel()
	if q.s.room.Acquire(ctx, n) != nil {
		return false
	}
	q.held = n
	return true
}

// letGo gives back the room that the body took.
func (q *request) letGo() {
	if q.held > 0 {
		q.s.room.Release(q.held)
		q.held = 0
	}
}

// readBy gives the sender some time from now. A ResponseWriter without
// deadlines has no connection that could be slow, or its server sets them.
// net/http takes the deadline away when the body was read to its end.
func (q *request) readBy(d time.Duration) { _ = q.rc.SetReadDeadline(time.Now().Add(d)) }

func tooLarge(limit int64) *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, reason: fmt.Sprintf("the body is larger than %d bytes", limit)}
}

// maxRefused is how much of a refused body is kept, in bytes.
const maxRefused = 64 << 10

// readSome takes the beginning of a body for the record.
func (q *request) readSome() {
	if missing := maxRefused - len(q.body); missing > 0 && !q.whole {
		more, err := io.ReadAll(io.LimitReader(q.r.Body, int64(missing)))
		q.body = append(q.body, more...)
		q.whole = err == nil && len(more) < missing
	}
}

// linger reads on for a moment after an answer that did not need the body: to
// close a connection with bytes unread resets it, which can take the answer
// with it. When there are too many, MaxBytesReader makes net/http close gently.
func (q *request) linger() {
	if q.whole {
		return
	}
	_ = q.rc.Flush() // the answer goes out first, where it can
	q.readBy(lingerTime)
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(q.w, q.r.Body, lingerBytes))
}

// bodySize is the length of the body as far as it is known.
func (q *request) bodySize() int64 {
	if q.whole {
		return int64(len(q.body))
	}
	return max(q.r.ContentLength, int64(len(q.body)))
}
