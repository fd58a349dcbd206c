package registration_test

import (
	"bufio"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
)

// A session of another process is left alone as long as it lives.
func TestAnotherProcess(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "hush-hush", acme).ID
	before := s.shown(id)
	cmd := s.child("hold", id, "hush-hush")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.True(t, lines.Scan())
	require.Equal(t, "webhook "+id+" <nil>", lines.Text())

	assert.Empty(t, s.Repair(limited(t)))
	assert.Equal(t, tunnelA, s.Webhook(id).URL)
	_, err = s.Borrow(limited(t), id, registration.Loan{URL: tunnelB, Own: "hush-hush"})
	require.ErrorIs(t, err, registration.ErrTaken)
	assert.NotEmpty(t, hintOf(t, err))
	own := s.create()
	assert.Equal(t, registration.Deleted, own.Release(limited(t), false).Kind)

	_, err = io.WriteString(in, "\n")
	require.NoError(t, err)
	require.True(t, lines.Scan())
	assert.Equal(t, string(registration.Restored), lines.Text())
	require.NoError(t, cmd.Wait())
	assert.Equal(t, before, s.shown(id))
	assert.Empty(t, s.files())
}

// Of those who want the same webhook at once, one gets it, and in the end it is
// as it was found.
func TestManyWantOne(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	before := s.shown(id)
	var mu sync.Mutex
	var got []*registration.Registration
	var wg sync.WaitGroup
	for range 8 {
		r := s.registry(s.Client())
		wg.Go(func() {
			reg, err := r.Borrow(limited(t), id, registration.Loan{URL: tunnelA})
			if err != nil {
				assert.ErrorIs(t, err, registration.ErrTaken)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			got = append(got, reg)
		})
	}
	wg.Wait()
	require.Len(t, got, 1)
	assert.Empty(t, s.Repair(limited(t)))
	assert.Equal(t, registration.Restored, got[0].Release(limited(t), false).Kind)
	assert.Equal(t, before, s.shown(id))
}

// What a dead session has not put back yet is not lent again: its former target
// would be lost.
func TestBorrowBeforeRepair(t *testing.T) {
	s := newStage(t)
	id := s.Register(production, "", acme).ID
	s.borrow(id, registration.Loan{}).Die()
	_, err := s.Borrow(limited(t), id, registration.Loan{URL: tunnelB})
	require.ErrorIs(t, err, registration.ErrTaken)
	assert.Equal(t, registration.Restored, s.repaired().Kind)
	reg := s.borrow(id, registration.Loan{})
	assert.Equal(t, production, reg.Former().URL)
	assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
}

// Sessions and repairs at the same time keep apart.
func TestManyAtOnce(t *testing.T) {
	s := newStage(t)
	var wg sync.WaitGroup
	for range 4 {
		id := s.Register(production, "", acme).ID
		r := s.registry(s.Client())
		wg.Go(func() {
			for range 5 {
				reg, err := r.Borrow(limited(t), id, registration.Loan{URL: tunnelA})
				if !assert.NoError(t, err) {
					return
				}
				assert.NoError(t, reg.Point(limited(t), tunnelB))
				assert.Equal(t, registration.Restored, reg.Release(limited(t), false).Kind)
			}
		})
		wg.Go(func() {
			for range 5 {
				for _, o := range r.Repair(limited(t)) {
					assert.NoError(t, o.Err, o.Text)
				}
				reg, err := r.Create(limited(t), newSettings())
				if assert.NoError(t, err) {
					reg.Die()
				}
			}
		})
	}
	wg.Wait()
	s.Repair(limited(t))
	for _, w := range s.Webhooks() {
		assert.Equal(t, production, w.URL)
		assert.Equal(t, hub.Enabled, w.State)
	}
	assert.Len(t, s.Webhooks(), 4)
	assert.Empty(t, s.files())
}

// The parts of a text that people read are whole sentences without a secret or
// a Go error chain.
func TestWords(t *testing.T) {
	s := newStage(t)
	id := s.Register(production+"?secret=hush", "", acme).ID
	reg := s.borrow(id, registration.Loan{})
	s.Down()
	o := reg.Release(limited(t), false)
	assert.True(t, strings.HasPrefix(o.Text, "webhook "+id+" could not be put back to "+production+"?secret=[redacted]: cannot get webhook"), o.Text)
	s.Up()
	o = s.repaired()
	assert.Equal(t, "webhook "+id+" is as it was found, with the target "+production+"?secret=[redacted]", o.Text)
}
