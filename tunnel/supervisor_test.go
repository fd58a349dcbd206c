package tunnel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

// script is a provider whose sessions do what they are told, in a bubble of
// fake time.
type script struct {
	sessions []func(ctx context.Context, s *tunnel.Session) error
	mu       sync.Mutex
	starts   []time.Duration // since the first
	first    time.Time
}

func (p *script) run(ctx context.Context, s *tunnel.Session) error {
	p.mu.Lock()
	if p.first.IsZero() {
		p.first = time.Now()
	}
	n := len(p.starts)
	p.starts = append(p.starts, time.Since(p.first))
	p.mu.Unlock()
	return p.sessions[min(n, len(p.sessions)-1)](ctx, s)
}

func (p *script) started() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]time.Duration(nil), p.starts...)
}

// seconds makes a pause after failed session n of 1, 2, 4, ... seconds.
func seconds(n int) time.Duration { return time.Second << n }

func (p *script) supervisor() tunnel.Supervisor {
	return tunnel.Supervisor{Provider: "test", Run: p.run, Backoff: seconds}
}

var (
	one = &url.URL{Scheme: "https", Host: "one.example.test"}
	two = &url.URL{Scheme: "https", Host: "two.example.test"}

	broken  = &tunnel.Error{Provider: "test", Code: "lost", Detail: "it broke"}
	refused = &tunnel.Error{Provider: "test", Code: "refused", Detail: "never", Permanent: true}
)

func fails(err error) func(context.Context, *tunnel.Session) error {
	return func(context.Context, *tunnel.Session) error { return err }
}

func online(u *url.URL, lives time.Duration, err error) func(context.Context, *tunnel.Session) error {
	return func(ctx context.Context, s *tunnel.Session) error {
		s.Online(u)
		select {
		case <-time.After(lives):
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const forever = 1000 * time.Hour

func hang(ctx context.Context, _ *tunnel.Session) error {
	<-ctx.Done()
	return ctx.Err()
}

func said(events *tunneltest.Events) (all []string) {
	for _, e := range events.All() {
		line := string(e.State)
		if e.URL != nil {
			line += " " + e.URL.Host
		}
		if e.Err != nil {
			line += " (" + e.Err.Error() + ")"
		}
		if e.Retry > 0 {
			line += " " + e.Retry.String()
		}
		all = append(all, line)
	}
	return all
}

func TestSupervisorComesBackWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events tunneltest.Events
		p := &script{sessions: []func(context.Context, *tunnel.Session) error{
			fails(broken), fails(broken), online(one, 59*time.Second, broken), fails(broken), online(two, 60*time.Second, io.EOF), online(two, forever, nil),
		}}
		tun, err := p.supervisor().Open(t.Context(), tunnel.Options{Notify: events.Notify})
		require.NoError(t, err)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, two, tun.URL())
		require.NoError(t, tun.Close())
		assert.Equal(t, []string{
			"opening",
			"opening (it broke) 1s",
			"opening (it broke) 2s",
			"online one.example.test",
			"reconnecting (it broke) 4s", // 59 s are not enough to start afresh
			"reconnecting (it broke) 8s",
			"online two.example.test",
			"reconnecting (the connection to test broke (EOF)) 1s",
			"online two.example.test",
			"offline",
		}, said(&events))
		events.Check(t)
	})
}

func TestSupervisorGivesUpOpeningAfterItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		session func(context.Context, *tunnel.Session) error
		want    string
		code    string
	}{
		"every try fails": {fails(broken), "it broke", "lost"},
		"it hangs":        {hang, "test did not answer in time", "timeout"},
		"it knows what it waited for": {func(ctx context.Context, _ *tunnel.Session) error {
			<-ctx.Done()
			return &tunnel.Error{Code: "nourl", Detail: "no URL was announced"}
		}, "no URL was announced", "nourl"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var events tunneltest.Events
				p := &script{sessions: []func(context.Context, *tunnel.Session) error{c.session}}
				start := time.Now()
				_, err := p.supervisor().Open(t.Context(), tunnel.Options{Notify: events.Notify})
				assert.Equal(t, 30*time.Second, time.Since(start))
				e, ok := errors.AsType[*tunnel.Error](err)
				require.True(t, ok)
				assert.Equal(t, c.want, e.Error())
				assert.Equal(t, c.code, e.Code)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				events.Check(t)
			})
		})
	}
}

func TestSupervisorEndsOpeningWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &script{sessions: []func(context.Context, *tunnel.Session) error{hang}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.supervisor().Open(ctx, tunnel.Options{})
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestSupervisorTakesPermanentForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &script{sessions: []func(context.Context, *tunnel.Session) error{fails(refused)}}
		_, err := p.supervisor().Open(t.Context(), tunnel.Options{})
		assert.Equal(t, refused, err)
		assert.Len(t, p.started(), 1)

		var events tunneltest.Events
		p = &script{sessions: []func(context.Context, *tunnel.Session) error{online(one, time.Minute, broken), fails(refused)}}
		tun, err := p.supervisor().Open(t.Context(), tunnel.Options{Notify: events.Notify})
		require.NoError(t, err)
		_, err = tun.Accept()
		assert.Equal(t, refused, err)
		assert.Equal(t, refused, tun.Err())
		require.NoError(t, tun.Close())
		assert.Equal(t, refused, tun.Err(), "Close does not change why")
		assert.Equal(t, []string{
			"opening", "online one.example.test", "reconnecting (it broke) 1s", "offline (never)",
		}, said(&events))
	})
}

func TestKickEndsASessionOrAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events tunneltest.Events
		p := &script{sessions: []func(context.Context, *tunnel.Session) error{
			online(one, forever, nil), online(one, time.Second, broken), online(one, forever, nil),
		}}
		s := p.supervisor()
		s.Backoff = func(int) time.Duration { return time.Hour }
		tun, err := s.Open(t.Context(), tunnel.Options{Notify: events.Notify})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		tun.Kick()
		tun.Kick()
		time.Sleep(time.Minute) // the second session broke, and the pause is long
		tun.Kick()
		synctest.Wait()
		assert.Equal(t, []time.Duration{0, time.Minute, 2 * time.Minute}, p.started())
		require.NoError(t, tun.Close())
		assert.Equal(t, []string{
			"opening", "online one.example.test",
			"reconnecting (the connection to test was cut to make a new one)", "online one.example.test",
			"reconnecting (it broke) 1h0m0s", "online one.example.test",
			"offline",
		}, said(&events))
	})
}

func TestASessionCanChangeItsURLAndSayWhatItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events tunneltest.Events
		slow := &tunnel.Error{Provider: "test", Code: "dns", Detail: "not in DNS yet"}
		var late *tunnel.Session
		p := &script{sessions: []func(context.Context, *tunnel.Session) error{
			func(ctx context.Context, s *tunnel.Session) error {
				late = s
				s.Waiting(slow, 3*time.Second)
				s.Online(one)
				s.Waiting(slow, 3*time.Second) // no longer
				s.Online(one)
				s.Online(two)
				return broken
			},
			online(two, forever, nil),
		}}
		tun, err := p.supervisor().Open(t.Context(), tunnel.Options{Notify: events.Notify})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		late.Online(one)
		assert.Equal(t, two, tun.URL(), "what an old session says has no effect")
		require.NoError(t, tun.Close())
		assert.Equal(t, []string{
			"opening", "opening (not in DNS yet) 3s", "online one.example.test", "online two.example.test",
			"reconnecting (it broke) 1s", "online two.example.test", "offline",
		}, said(&events))
		events.Check(t)
	})
}

func TestConnectionsThatNobodyTakesAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		p := &script{sessions: []func(context.Context, *tunnel.Session) error{
			func(ctx context.Context, s *tunnel.Session) error {
				s.Online(one)
				s.Deliver(ours)
				return ctx.Err()
			},
		}}
		tun, err := p.supervisor().Open(t.Context(), tunnel.Options{})
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, tun.Close())
		_, err = theirs.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF)
		_, err = tun.Accept()
		assert.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestASessionCanWaitForItsDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		var events tunneltest.Events
		p := &script{sessions: []func(context.Context, *tunnel.Session) error{
			func(_ context.Context, s *tunnel.Session) error {
				s.Online(one)
				var wg sync.WaitGroup
				wg.Go(func() { s.Deliver(ours) }) // nobody accepts
				s.End()
				wg.Wait()
				return broken
			},
			online(two, forever, nil),
		}}
		tun, err := p.supervisor().Open(t.Context(), tunnel.Options{Notify: events.Notify})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = theirs.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF)
		require.NoError(t, tun.Close())
		assert.Equal(t, []string{
			"opening", "online one.example.test", "reconnecting (it broke) 1s", "online two.example.test", "offline",
		}, said(&events))
	})
}
