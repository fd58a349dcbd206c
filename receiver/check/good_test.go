package check_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/receiver/check"
)

func TestAGoodHandlerPasses(t *testing.T) {
	t.Parallel()
	b := &bot{}
	o := quick(serve(t, b))
	o.Effects = func(context.Context) (string, error) { return strconv.Itoa(b.effects()), nil }
	var told []check.Result
	o.Progress = func(r check.Result) { told = append(told, r) }
	report := run(t, o)
	assert.NoError(t, report.Err())
	assert.True(t, report.OK())
	assert.Empty(t, ended(report, check.Fail))
	assert.Empty(t, ended(report, check.Warn))
	assert.Empty(t, ended(report, check.Skipped))
	assert.Equal(t, check.Yes, report.Idempotent, report.IdempotentWhy)
	assert.Equal(t, report.Results, told)
	assert.Equal(t, o.URL, report.URL)
	assert.Equal(t, o.Patience, report.Patience)
	assert.Positive(t, report.Slowest)
	assert.NotEmpty(t, report.SlowestCase)

	total := 0
	for i, c := range check.Cases() {
		r := report.Results[i]
		assert.Equal(t, c.Name, r.Name)
		assert.NotEmpty(t, c.About, c.Name)
		assert.NotEmpty(t, c.Want, c.Name)
		assert.NotEmpty(t, r.Came, c.Name)
		if c.Name != "idempotent" { // effects need fewer
			assert.Equal(t, c.Requests, r.Requests, c.Name)
		}
		total += r.Requests
	}
	assert.Equal(t, total, report.Requests)
	require.Len(t, report.Results, len(check.Cases()))
}

// Without anything that shows them, effects are unknown and said to be.
func TestWhatCannotBeSeenIsUnknown(t *testing.T) {
	t.Parallel()
	report := run(t, quick(serve(t, &bot{})))
	assert.NoError(t, report.Err())
	assert.Equal(t, []string{"idempotent"}, ended(report, check.Skipped))
	assert.Equal(t, check.Unknown, report.Idempotent)
	assert.Contains(t, report.IdempotentWhy, "nothing can be seen from outside")
	c := check.Cases()
	for i, r := range report.Results {
		assert.Equal(t, c[i].Requests, r.Requests, r.Name)
	}
}

func TestTheReceiverPasses(t *testing.T) {
	t.Parallel()
	s := receiver.New(receiver.Options{Secrets: []string{secret}, Out: io.Discard})
	done := map[string]bool{}
	count := 0
	mu := make(chan struct{}, 1)
	s.Handle("my_bot", func(ctx context.Context, _ *payload.Payload) (any, error) {
		mu <- struct{}{}
		defer func() { <-mu }()
		if id := receiver.DeliveryFrom(ctx).WebhookID; !done[id] {
			done[id] = true
			count++
		}
		return map[string]int{"done": count}, nil
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	defer func() { cancel(); assert.NoError(t, <-served) }()

	report := run(t, quick("http://"+l.Addr().String()+"/webhooks/my_bot"))
	assert.NoError(t, report.Err())
	assert.Empty(t, ended(report, check.Warn))
	assert.Empty(t, ended(report, check.Skipped))
	assert.Equal(t, "let in", named(t, report, "secret-in-url").Came)
	assert.Equal(t, check.Yes, report.Idempotent, report.IdempotentWhy)
	assert.Contains(t, report.IdempotentWhy, "its answers count deliveries, and no repeats")
}
