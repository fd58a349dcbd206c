package receiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hfhook/hfhook/replay"
)

// answerOf waits for the first target's answer to a delivery and passes it on.
func (q *request) answerOf(receipt replay.Receipt, target string) (status int, sent bool) {
	// When the sender hangs up, its next try is what the answer is for.
	ctx, cancel := context.WithTimeout(q.r.Context(), q.s.o.AckTimeout)
	defer cancel()
	log := q.s.log.With("id", receipt.DeliveryID, "target", target)
	a, err := q.s.dispatcher().Await(ctx, receipt, target)
	switch {
	case err == nil && a.Exit != nil && a.OK():
		return http.StatusOK, q.answerJSON(http.StatusOK, emptyObject)
	case err == nil && a.Exit != nil:
		return q.fail(http.StatusInternalServerError, fmt.Sprintf("exit code %d", *a.Exit))
	case err == nil && a.Failure == "":
		return q.passOn(a)
	case err == nil && a.Failure == replay.FailPanic:
		return q.fail(http.StatusInternalServerError, http.StatusText(http.StatusInternalServerError))
	case err == nil:
		log.Warn("no answer from the target", "failure", a.Failure, "err", a.Error)
		return q.fail(http.StatusBadGateway, "no answer from the handler: "+string(a.Failure))
	case errors.Is(err, replay.ErrHeld):
		log.Warn("no answer from the target", "err", err)
		return q.fail(http.StatusBadGateway, "the handler cannot be reached")
	case errors.Is(err, context.DeadlineExceeded):
		log.Warn("acknowledged before the handler answered", "waited", q.s.o.AckTimeout)
		if q.s.o.Late != nil {
			q.s.o.Late(receipt)
		}
	case q.r.Context().Err() != nil:
		return q.fail(http.StatusBadGateway, "the sender hung up") // and will not read this
	default:
		log.Warn("acknowledged without an answer of the handler", "err", err)
	}
	// It is kept, and will be sent.
	return http.StatusOK, q.answerJSON(http.StatusOK, emptyObject)
}

// wrong is the status to answer with on purpose; 0: none.
func (s *Server) wrong() int {
	if s.o.Fail == nil {
		return 0
	}
	return s.o.Fail()
}

func (q *request) fail(status int, message string) (int, bool) {
	return status, q.answerError(status, message)
}

// passOn gives the sender status, content type and body of a target's answer.
func (q *request) passOn(a *replay.Attempt) (status int, sent bool) {
	if a.Status < 200 || a.Status > 599 {
		return q.fail(http.StatusBadGateway, "the handler answered with an impossible status")
	}
	return a.Status, q.answer(a.Status, a.Header.Get("Content-Type"), a.Body)
}
