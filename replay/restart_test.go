package replay_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

// mortal is a server that can die in the middle of everything, and come back
// at the same address. A delivery got there when it was answered.
type mortal struct {
	t      testing.TB
	addr   string
	listen net.Listener
	server *http.Server
	done   chan struct{}
	warm   sync.WaitGroup // holds the first requests until all are there

	mu    sync.Mutex
	dead  bool
	count int
	got   map[string][]string // bodies by repo
	mark  map[int]chan struct{}
}

// newMortal gives a server whose first requests, conns of them, wait for each
// other: so many connections are open from then on.
func newMortal(t testing.TB, conns int) *mortal {
	m := &mortal{t: t, got: make(map[string][]string), mark: make(map[int]chan struct{})}
	m.warm.Add(conns)
	m.start("127.0.0.1:0", conns)
	t.Cleanup(func() { m.kill() })
	return m
}

func (m *mortal) start(addr string, warm int) {
	l, err := net.Listen("tcp", addr)
	require.NoError(m.t, err)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listen, m.addr, m.dead = l, l.Addr().String(), false
	tickets := make(chan struct{}, warm)
	for range warm {
		tickets <- struct{}{}
	}
	m.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		select {
		case <-tickets:
			m.warm.Done()
			m.warm.Wait()
		default:
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.dead {
			panic(http.ErrAbortHandler)
		}
		repo := r.Header.Get("Repo")
		m.got[repo] = append(m.got[repo], string(body))
		w.WriteHeader(http.StatusNoContent)
		http.NewResponseController(w).Flush()
		m.count++
		if c := m.mark[m.count]; c != nil {
			close(c)
		}
	})}
	m.done = make(chan struct{})
	go func(server *http.Server, done chan struct{}) {
		defer close(done)
		server.Serve(l)
	}(m.server, m.done)
}

// at is closed when so many have got there.
func (m *mortal) at(count int) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := make(chan struct{})
	m.mark[count] = c
	if m.count >= count {
		close(c)
	}
	return c
}

// kill closes the listener and cuts the connections, in this order: a server
// may close some before its listener, and a new one would be half open then.
func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
	m.listen.Close()
	<-m.done
	m.server.Close()
}

func TestDispatcherOutlivesItsHandler(t *testing.T) {
	const conns, total = 4, 200
	dying, steady := newMortal(t, conns), newMortal(t, conns)
	var targets []replay.Target
	for _, m := range []*mortal{dying, steady} {
		target, err := replay.NewHTTPTarget("http://"+m.addr, replay.HTTPOptions{})
		require.NoError(t, err)
		t.Cleanup(func() { target.Close() })
		targets = append(targets, target)
	}
	s := memory.New()
	holds := make(chan replay.Hold, 2)
	d, stop := run(t, replay.DispatcherOptions{
		Store: s, Targets: targets, Concurrency: conns, Notify: func(h replay.Hold) { holds <- h },
	})
	midway, allSteady := dying.at(50), steady.at(total)
	want := make(map[string][]string)
	feed := func(from, to int) {
		for i := from; i < to; i++ {
			repo := fmt.Sprint("owner/", i%7)
			in := incoming(fmt.Sprint(i), repo, d.Targets()...)
			in.Delivery.Header = http.Header{"Repo": {repo}}
			appendTo(t, s, in)
			want[repo] = append(want[repo], fmt.Sprint(i))
		}
	}

	feed(0, 120)
	within(t, midway)
	dying.kill()
	feed(120, 160)
	held := <-holds
	assert.Equal(t, "http://"+dying.addr, held.Target)
	assert.False(t, held.Over)
	within(t, steady.at(160))
	feed(160, 180)
	allDying := dying.at(total)
	dying.start(dying.addr, 0)
	feed(180, total)
	within(t, allDying)
	within(t, allSteady)
	assert.True(t, (<-holds).Over)
	require.NoError(t, stop())

	assert.Equal(t, want, dying.got, "each once, in order")
	assert.Equal(t, want, steady.got)
	for d, err := range s.List(t.Context(), replay.Filter{}) {
		require.NoError(t, err)
		assert.Empty(t, d.Queued)
		if assert.Len(t, d.Attempts, 2) {
			assert.True(t, d.Attempts[0].OK())
			assert.True(t, d.Attempts[1].OK())
		}
	}
}

// Whether a handler had read what was sent on a connection that it kept, before
// it died, nobody knows. It is sent again then, and the hold says why.
func TestDispatcherSaysWhatMayBeSentTwice(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	var got []string
	take := func(in *bufio.Reader) {
		req, err := http.ReadRequest(in)
		if !assert.NoError(t, err) {
			return
		}
		body, err := io.ReadAll(req.Body)
		assert.NoError(t, err)
		got = append(got, string(body))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if !assert.NoError(t, err) {
			return
		}
		defer c.Close()
		in := bufio.NewReader(c)
		take(in)
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		take(in)
		l.Close()
	}()

	target, err := replay.NewHTTPTarget("http://"+l.Addr().String(), replay.HTTPOptions{})
	require.NoError(t, err)
	defer target.Close()
	s := memory.New()
	holds := make(chan replay.Hold, 2)
	_, stop := run(t, replay.DispatcherOptions{
		Store: s, Targets: []replay.Target{target}, Notify: func(h replay.Hold) { holds <- h },
	})
	for _, id := range []string{"1", "2"} {
		appendTo(t, s, incoming(id, "a/b", target.Name()))
	}
	within(t, done)
	assert.Contains(t, (<-holds).Reason, "sent on a connection that ended without an answer")
	assert.Empty(t, get(t, s, 2).Attempts)

	again, err := net.Listen("tcp", l.Addr().String())
	require.NoError(t, err)
	defer again.Close()
	c, err := again.Accept()
	require.NoError(t, err)
	defer c.Close()
	take(bufio.NewReader(c))
	_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	assert.True(t, (<-holds).Over)
	require.NoError(t, stop())
	assert.Equal(t, []string{"1", "2", "2"}, got)
	for id := range int64(2) {
		assert.Len(t, get(t, s, id+1).Attempts, 1)
	}
}

// within fails the test when c is not closed soon.
func within(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		require.Fail(t, "it does not happen")
	}
}
