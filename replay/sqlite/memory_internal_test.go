package sqlite

import (
	"iter"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// After a flood nothing holds its bodies in memory.
func TestAFloodIsForgotten(t *testing.T) {
	s := openFor(t, filepath.Join(t.TempDir(), "store.db"), Options{})
	news, stop := iter.Pull2(s.Watch(t.Context()))
	// From here on the reader is there, and is given copies.
	require.NoError(t, appendBody(t, s, []byte("first")))
	_, err, _ := news()
	require.NoError(t, err)

	const n = 50
	bodies, copies := make([]weak.Pointer[byte], n), make([]weak.Pointer[byte], n)
	release := s.HoldWriter()
	var group sync.WaitGroup
	for i := range n {
		body := make([]byte, 10_000)
		bodies[i] = weak.Make(&body[0])
		group.Go(func() { assert.NoError(t, appendBody(t, s, body)) })
	}
	for s.Waiting() < n {
		runtime.Gosched()
	}
	release()
	group.Wait()
	for i := range n {
		one, err, _ := news()
		require.NoError(t, err)
		copies[i] = weak.Make(&one.Arrival.Body[0])
	}
	stop()

	held := func(of []weak.Pointer[byte]) (held int) {
		for _, p := range of {
			if p.Value() != nil {
				held++
			}
		}
		return held
	}
	// The driver keeps what it was given last.
	if !assert.Eventually(t, func() bool { runtime.GC(); return held(bodies) <= 1 && held(copies) == 0 }, time.Minute, time.Millisecond) {
		t.Logf("%d bodies, %d copies", held(bodies), held(copies))
	}
}
