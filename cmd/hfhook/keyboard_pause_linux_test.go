package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestForwardingIsPaused(t *testing.T) {
	t.Parallel()
	h := catch(t, nil)
	store := filepath.Join(t.TempDir(), "deliveries.db")
	s := sitDown(t, nil, "--forward", h.URL, "--store", store)
	s.press("p")
	s.says("forwarding is paused: deliveries are received and kept, and wait; p goes on")
	for range 3 {
		require.Equal(t, http.StatusOK, s.arrives(created))
	}
	s.says("paused: 3 deliveries wait; p goes on")
	s.press("r") // is asked for
	s.shows(1, "→ #3 replayed 200 OK")
	assert.Len(t, h.got, 1)
	s.press("p")
	s.says("forwarding goes on")
	s.shows(3, "→ #[123] 200 OK")
	assert.Less(t, strings.Index(s.out.String(), "→ #1 200"), strings.Index(s.out.String(), "→ #2 200"), "in order")
	assert.Less(t, strings.Index(s.out.String(), "→ #2 200"), strings.Index(s.out.String(), "→ #3 200"), "in order")

	s.press("p")
	s.saysTimes(2, "forwarding is paused")
	for range 2 {
		s.arrives(pushed)
	}
	s.shows(2, "main moved")
	s.leaves()
	assert.Contains(t, s.err.String(), "; 2 wait for the next hfhook dev.")

	later := sitDown(t, nil, "--forward", h.URL, "--store", store)
	later.says("2 deliveries wait from before, sent now")
	later.shows(2, "→ #[45] 200 OK")
	later.leaves()
	assert.Len(t, h.got, 6)
}

func TestTheHubIsNotKeptWaitingByAPause(t *testing.T) {
	t.Parallel()
	h := catch(t, nil)
	s := sitDown(t, nil, "--forward", h.URL, "--ack", "handler", "--ack-timeout", "10m")
	s.press("p")
	s.says("the Hub gets its 200 without an answer of the handler; p goes on")
	assert.Equal(t, http.StatusOK, s.arrives(created))
	s.says("acknowledged without an answer of the handler")
	assert.Empty(t, h.got)
	s.press("p")
	s.shows(1, "→ #1 200 OK")
	assert.Equal(t, http.StatusOK, s.arrives(created))
	s.leaves()
}
