package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/replay"
)

func TestSummary(t *testing.T) {
	s := newSummary()
	for id := int64(1); id <= 30; id++ {
		s.add(&replay.Attempt{DeliveryID: id, Status: 500, Duration: time.Duration(id) * time.Millisecond})
	}
	s.add(&replay.Attempt{DeliveryID: 30, Failure: replay.FailRefused, Duration: time.Hour}) // at another target
	s.add(&replay.Attempt{DeliveryID: 31, Exit: new(0)})
	s.add(&replay.Attempt{DeliveryID: 32, Exit: new(7)})
	s.add(&replay.Attempt{DeliveryID: 33, Status: 200, Failure: replay.FailBroken})
	r := s.record(4)
	assert.Equal(t, []any{34, 1, 33, 4}, []any{r.Sent, r.OK, r.Failed, r.NotSent})
	assert.Equal(t, map[string]int{"500": 30, "refused": 1, "exit 0": 1, "exit 7": 1, "broken": 1}, r.ByStatus)
	assert.Equal(t, 30.0, r.MaxMS, "what was refused is no answer")
	assert.Len(t, r.Failures, 32, "each id once")

	var text bytes.Buffer
	s.print(newScreen(&text, true))
	assert.Regexp(t, `^sent     34: 1 ok, 33 failed, in .*/s
status   500: 30, broken: 1, exit 0: 1, exit 7: 1, refused: 1
answers  p50 14 ms, p95 29 ms, p99 30 ms, max 30 ms
failed   1, 2, .*, 20 and 12 more
$`, text.String())
}

func TestSummaryOfNothing(t *testing.T) {
	s := newSummary()
	var text bytes.Buffer
	s.print(newScreen(&text, true))
	assert.Regexp(t, `^sent     0: 0 ok, in .*\n$`, text.String())
	assert.NotNil(t, s.record(0).Failures, "no null in JSON")
}

func TestSummaryIsBounded(t *testing.T) {
	s := newSummary()
	for id := range int64(3 * maxFailures) {
		s.add(&replay.Attempt{DeliveryID: id, Status: 500})
	}
	assert.Len(t, s.record(0).Failures, maxFailures)
	assert.Len(t, s.failedIDs, maxFailures)
	assert.Equal(t, 3*maxFailures, s.record(0).Failed)
}
