package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// summary counts what became of many sends. The memory it takes is bounded.
type summary struct {
	begun                     time.Time
	sent, outside, unanswered int
	byStatus                  map[string]int
	took                      latencies // of answers
	failures                  []int64   // ids, each once, the first maxFailedIDs
	failedIDs                 map[int64]struct{}
}

const (
	maxFailedIDs  = 10_000 // ids kept
	shownFailures = 20     // ids printed
)

func newSummary() *summary {
	return &summary{begun: time.Now(), byStatus: map[string]int{}, failedIDs: map[int64]struct{}{}}
}

func (t *summary) add(a *replay.Attempt) {
	t.sent++
	t.byStatus[statusWord(a)]++
	answered := a.Status != 0 || a.Exit != nil
	if answered {
		t.took.add(a.Duration)
	}
	switch {
	case a.OK():
		return
	case answered:
		t.outside++
	default:
		t.unanswered++
	}
	if _, ok := t.failedIDs[a.DeliveryID]; !ok && len(t.failures) < maxFailedIDs {
		t.failedIDs[a.DeliveryID] = struct{}{}
		t.failures = append(t.failures, a.DeliveryID)
	}
}

func (t *summary) failed() int { return t.outside + t.unanswered }

// statusWord is the status of an answer, or why there is none.
func statusWord(a *replay.Attempt) string {
	switch {
	case a.Failure != "":
		return string(a.Failure)
	case a.Exit != nil:
		return fmt.Sprintf("exit %d", *a.Exit)
	}
	return strconv.Itoa(a.Status)
}

// summaryRecord is a summary, in --json.
type summaryRecord struct {
	recordHead
	Sent     int            `json:"sent"`
	OK       int            `json:"ok"`
	Failed   int            `json:"failed"`
	NotSent  int            `json:"notSent"` // chosen, and known not to have been sent
	Seconds  float64        `json:"seconds"`
	ByStatus map[string]int `json:"byStatus"`
	P50MS    float64        `json:"p50Ms"` // of answers
	P95MS    float64        `json:"p95Ms"`
	P99MS    float64        `json:"p99Ms"`
	MaxMS    float64        `json:"maxMs"`
	Failures []int64        `json:"failures"` // ids of deliveries, the first 10,000
}

func (t *summary) record(notSent int) summaryRecord {
	now := time.Now()
	failures := slices.Sorted(slices.Values(t.failures))
	if failures == nil {
		failures = []int64{}
	}
	return summaryRecord{
		recordHead: head("summary", now),
		Sent:       t.sent, OK: t.sent - t.failed(), Failed: t.failed(), NotSent: notSent,
		Seconds:  float64(now.Sub(t.begun).Microseconds()) / 1e6,
		ByStatus: t.byStatus,
		P50MS:    inMillis(t.took.percentile(50)), P95MS: inMillis(t.took.percentile(95)), P99MS: inMillis(t.took.percentile(99)), MaxMS: inMillis(t.took.max),
		Failures: failures,
	}
}

// print shows the summary on s.
func (t *summary) print(s *screen) {
	took := time.Since(t.begun)
	line := fmt.Sprintf("%d: %s", t.sent, s.good(fmt.Sprintf("%d ok", t.sent-t.failed())))
	if n := t.failed(); n > 0 {
		line += ", " + s.bad(fmt.Sprintf("%d failed", n))
	}
	s.line("%s %s, in %s, %s", s.dim(pad("sent", 8)), line, durationText(took), rateText(t.sent, took))
	if t.sent == 0 {
		return
	}
	// The most frequent first.
	words := slices.SortedFunc(maps.Keys(t.byStatus), func(a, b string) int {
		return cmp.Or(t.byStatus[b]-t.byStatus[a], strings.Compare(a, b))
	})
	for i, word := range words {
		words[i] = fmt.Sprintf("%s: %d", payload.Printable(word), t.byStatus[word])
	}
	s.line("%s %s", s.dim(pad("status", 8)), s.cut(strings.Join(words, ", "), 9))
	if t.took.n > 0 {
		s.line("%s p50 %s, p95 %s, p99 %s, max %s", s.dim(pad("answers", 8)), durationText(t.took.percentile(50)),
			durationText(t.took.percentile(95)), durationText(t.took.percentile(99)), durationText(t.took.max))
	}
	if len(t.failures) > 0 {
		s.line("%s %s", s.dim(pad("failed", 8)), idsText(t.failures))
	}
}

// idsText lists the smallest ids, and how many more there are.
func idsText(ids []int64) string {
	ids = slices.Sorted(slices.Values(ids))
	var words []string
	for _, id := range ids[:min(len(ids), shownFailures)] {
		words = append(words, strconv.FormatInt(id, 10))
	}
	text := strings.Join(words, ", ")
	if n := len(ids) - shownFailures; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// rateText is how many there were in a second.
func rateText(n int, took time.Duration) string {
	rate := float64(n) / max(took.Seconds(), 1e-6)
	if rate < 10 {
		return fmt.Sprintf("%.1f/s", rate)
	}
	return fmt.Sprintf("%.0f/s", rate)
}
