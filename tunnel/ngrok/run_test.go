package ngrok_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func isState(s tunnel.State) func(tunnel.Event) bool {
	return func(e tunnel.Event) bool { return e.State == s }
}

// backOnline waits until the tunnel is online again after n outages.
func backOnline(t *testing.T, events *tunneltest.Events, n int) {
	t.Helper()
	events.Await(t, func(e tunnel.Event) bool {
		if e.State == tunnel.Online {
			n--
		}
		return n < 0 // the first time is that of Open
	})
}

func TestReconnectResumesTheSession(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, events := open(t, edge.Provider(), public("hook.example.test"))
	require.Equal(t, 1, edge.KillSessions())
	backOnline(t, events, 1)
	assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))

	auths, binds := edge.Auths(), edge.Binds()
	require.Len(t, auths, 2)
	require.Len(t, binds, 2)
	assert.Empty(t, auths[0].ClientID)
	assert.NotEmpty(t, auths[1].ClientID, "the edge knows whether it is the right one")
	assert.NotEmpty(t, auths[1].Extra.Cookie)
	assert.Empty(t, binds[0].ID)
	assert.NotEmpty(t, binds[1].ID)
	assert.NotEmpty(t, binds[1].Extra.Token)
	assert.Equal(t, "https://hook.example.test", binds[1].URL)
}

func TestEdgeAwayForAWhile(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, events := open(t, edge.Provider(), nil)
	edge.StopAgents()
	down := events.Await(t, func(e tunnel.Event) bool { return e.Retry == time.Second })
	assert.Equal(t, "cannot reach "+edge.ConnectURL+" (connection refused)", down.Err.Error())
	require.NoError(t, edge.StartAgents())
	backOnline(t, events, 1)
	assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))

	var pauses []time.Duration
	for _, e := range events.All() {
		if e.State == tunnel.Reconnecting {
			pauses = append(pauses, e.Retry)
		}
	}
	assert.Equal(t, []time.Duration{0, 500 * time.Millisecond, time.Second}, pauses)
}

func TestKickSaysWhatItDoes(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, events := open(t, edge.Provider(), nil)
	start := time.Now()
	tun.Kick()
	e := events.Await(t, isState(tunnel.Reconnecting))
	assert.Equal(t, "the connection to ngrok was cut to make a new one", e.Err.Error())
	assert.Zero(t, e.Retry)
	backOnline(t, events, 1)
	assert.Less(t, time.Since(start), time.Second, "without the library's pause")
}

// While the library pauses there is nothing to cut; a kick starts anew.
func TestKickWhileDown(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, events := open(t, edge.Provider(), public("hook.example.test"))
	edge.StopAgents()
	events.Await(t, func(e tunnel.Event) bool { return e.Retry == 2*time.Second })
	require.NoError(t, edge.StartAgents())
	start := time.Now()
	tun.Kick()
	backOnline(t, events, 1)
	assert.Less(t, time.Since(start), time.Second, "not the library's pause of 2 s")
	assert.Equal(t, "https://hook.example.test", tun.URL().String())
	assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))
}

func TestSilentConnectionIsNoticed(t *testing.T) {
	edge := ngroktest.Start(t)
	p := edge.Provider()
	p.HeartbeatInterval, p.HeartbeatTolerance = 50*time.Millisecond, 500*time.Millisecond
	tun, events := open(t, p, nil)
	assert.Equal(t, int64(50*time.Millisecond), edge.Auths()[0].Extra.HeartbeatInterval)
	edge.AwaitHeartbeats(2)
	edge.MuteHeartbeats(true)
	events.Await(t, isState(tunnel.Reconnecting))
	edge.MuteHeartbeats(false)
	backOnline(t, events, 1)
	assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))
}

// After a sleep the service may still count the old session. The library asks
// for ever; a new session gets the name.
func TestOldSessionHoldsTheName(t *testing.T) {
	edge := ngroktest.Start(t)
	edge.RefuseBind(func(_ string, again bool) string {
		if again {
			return "334"
		}
		return ""
	})
	p := edge.Provider()
	p.RebuildAfter = 100 * time.Millisecond
	tun, events := open(t, p, public("hook.example.test"))
	edge.KillSessions()
	waiting := events.Await(t, func(e tunnel.Event) bool { return e.Retry > 0 })
	assert.Equal(t, "waiting for ngrok to release the old session of https://hook.example.test (retry in 500ms)", waiting.Err.Error())
	assert.False(t, waiting.Err.(*tunnel.Error).Permanent)
	backOnline(t, events, 1)
	assert.Equal(t, "https://hook.example.test", tun.URL().String())
	assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))
	last := edge.Auths()[len(edge.Auths())-1]
	assert.Empty(t, last.ClientID, "a new session")
}

func TestNameIsTakenWhileRebuilding(t *testing.T) {
	edge := ngroktest.Start(t)
	var free atomic.Bool
	free.Store(true)
	edge.RefuseBind(func(string, bool) string {
		if free.Load() {
			return ""
		}
		return "334"
	})
	p := edge.Provider()
	p.RebuildAfter = time.Millisecond
	tun, events := open(t, p, public("hook.example.test"))
	free.Store(false)
	edge.KillSessions()
	events.Await(t, func(e tunnel.Event) bool {
		return e.Err != nil && e.Err.(*tunnel.Error).Code == "taken" && len(edge.Binds()) > 3
	})
	free.Store(true)
	tun.Kick()
	backOnline(t, events, 1)
	assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))
}

func TestTooManyAgentsAfterReconnectPasses(t *testing.T) {
	edge := ngroktest.Start(t)
	_, events := open(t, edge.Provider(), nil)
	var full atomic.Bool
	full.Store(true)
	edge.RefuseAuth(func(ngroktest.Auth) string {
		if full.Load() {
			return "108"
		}
		return ""
	})
	edge.KillSessions()
	e := events.Await(t, func(e tunnel.Event) bool { return e.Retry > 0 })
	assert.Equal(t, "your ngrok plan allows no further agent (ERR_NGROK_108)", e.Err.Error())
	full.Store(false)
	backOnline(t, events, 1)
}

func TestTokenRevokedWhileRunning(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, events := open(t, edge.Provider(), nil)
	edge.RefuseAuth(func(ngroktest.Auth) string { return "107" })
	edge.KillSessions()
	last := events.Await(t, isState(tunnel.Offline))
	var e *tunnel.Error
	require.ErrorAs(t, last.Err, &e)
	assert.Equal(t, "auth", e.Code)
	assert.Equal(t, last.Err, tun.Err())
	_, err := tun.Accept()
	assert.Equal(t, last.Err, err)
}

func TestStoppedAtTheDashboard(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, events := open(t, edge.Provider(), public("hook.example.test"))
	require.NoError(t, edge.StopEndpoint("hook.example.test", "Stopped by \x1b[31madmin.\r\nmore", "3208"))
	last := events.Await(t, isState(tunnel.Offline))
	var e *tunnel.Error
	require.ErrorAs(t, last.Err, &e)
	assert.Equal(t, "stopped", e.Code)
	assert.Equal(t, "ngrok stopped this endpoint: Stopped by admin (ERR_NGROK_3208)", e.Error())
	assert.True(t, e.Permanent)
	_, err := tun.Accept()
	assert.Equal(t, last.Err, err)
	assert.NoError(t, tun.Close())
	assert.Equal(t, last.Err, tun.Err(), "still why it ended")
	edge.WaitIdle()
	assert.Len(t, edge.Binds(), 1, "the library would bind it again")
}

// The library does not look at the URL in the answer to a second bind. Only
// the probe finds out.
func TestOtherURLAfterReconnect(t *testing.T) {
	edge := ngroktest.Start(t)
	prober := tunnel.NewProber()
	prober.Client = edge.Client()
	var events tunneltest.Events
	tun, err := edge.Provider().Open(t.Context(), tunnel.Options{Notify: events.Notify})
	require.NoError(t, err)
	defer tun.Close()
	go http.Serve(tun, prober.Handler(http.NotFoundHandler()))
	require.NoError(t, prober.Probe(t.Context(), tun.URL()))

	edge.Assign(func(string, bool) string { return "other.example.test" })
	edge.KillSessions()
	backOnline(t, &events, 1)
	var e *tunnel.ProbeError
	require.ErrorAs(t, prober.Probe(t.Context(), tun.URL()), &e)
	assert.Equal(t, "ERR_NGROK_3200", e.Code)
	assert.NoError(t, prober.Probe(t.Context(), public("other.example.test")))
}

func TestOtherURLAfterRebuild(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, events := open(t, edge.Provider(), nil)
	edge.StopAgents()
	edge.Assign(func(string, bool) string { return "other.example.test" })
	events.Await(t, func(e tunnel.Event) bool { return e.Retry > 0 })
	require.NoError(t, edge.StartAgents())
	tun.Kick()
	online := events.Await(t, func(e tunnel.Event) bool { return e.State == tunnel.Online && e.URL.Host == "other.example.test" })
	assert.Equal(t, online.URL, tun.URL())
	assert.Equal(t, http.StatusOK, status(t, edge, tun.URL()))
}

// ngrok tells nobody but the caller that a quota is used up.
func TestProbeSeesTheQuota(t *testing.T) {
	edge := ngroktest.Start(t)
	prober := tunnel.NewProber()
	prober.Client = edge.Client()
	tun, err := edge.Provider().Open(t.Context(), tunnel.Options{})
	require.NoError(t, err)
	defer tun.Close()
	go http.Serve(tun, prober.Handler(http.NotFoundHandler()))
	edge.AnswerRequests("727")
	var e *tunnel.ProbeError
	require.ErrorAs(t, prober.Probe(t.Context(), tun.URL()), &e)
	assert.Equal(t, tunnel.ProbeProvider, e.Class)
	assert.Equal(t, "ERR_NGROK_727", e.Code)
	edge.AnswerRequests("")
	require.NoError(t, prober.Probe(t.Context(), tun.URL()))
}

func TestCloseDuringAnOutage(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, events := open(t, edge.Provider(), nil)
	edge.StopAgents()
	events.Await(t, func(e tunnel.Event) bool { return e.Retry > 0 })
	start := time.Now()
	require.NoError(t, tun.Close())
	assert.Less(t, time.Since(start), tunnel.CloseTimeout)
	assert.Equal(t, tunnel.Offline, events.All()[len(events.All())-1].State)
}

// The conns of a tunnel come with the address of the caller, and a write
// deadline that would break the session for all does nothing.
func TestConnections(t *testing.T) {
	edge := ngroktest.Start(t)
	tun, err := edge.Provider().Open(t.Context(), tunnel.Options{})
	require.NoError(t, err)
	defer tun.Close()
	server := &http.Server{
		WriteTimeout: time.Nanosecond,
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.RemoteAddr)
		}),
	}
	go server.Serve(tun)
	resp, err := edge.Client().Get(tun.URL().String())
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	host, _, err := net.SplitHostPort(string(b))
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1", host)
	assert.False(t, strings.HasSuffix(string(b), ":0"))
}
