package check_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/receiver/check"
	"github.com/hfhook/hfhook/replay"
)

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l.Close()
	report, err := check.Run(t.Context(), quick("http://"+l.Addr().String()))
	assert.ErrorIs(t, err, check.ErrNobody)
	assert.ErrorContains(t, err, "connection refused")
	assert.Nil(t, report)
}

func TestWrongOptions(t *testing.T) {
	_, err := check.Run(t.Context(), check.Options{URL: "ftp://example.com"})
	assert.ErrorContains(t, err, "the scheme is")
	for _, o := range []check.Options{{Only: []string{"cut", "nothing"}}, {Skip: []string{"nothing"}}} {
		_, err = check.Run(t.Context(), o)
		unknown, ok := errors.AsType[*check.UnknownCaseError](err)
		require.True(t, ok, err)
		assert.Equal(t, "nothing", unknown.Name)
		assert.EqualError(t, err, `there is no case "nothing"`)
	}
}

func TestOnlyAndSkip(t *testing.T) {
	t.Parallel()
	o := quick(serve(t, &bot{}))
	o.Only, o.Skip = []string{"cut", "scopes"}, []string{"cut"}
	var names []string
	report := run(t, o)
	for _, r := range report.Results {
		names = append(names, r.Name)
	}
	assert.Equal(t, []string{"time", "answer", "redirect", "secret", "delivery", "scopes"}, names)
	assert.Equal(t, check.Unknown, report.Idempotent)
	assert.Equal(t, "it was not looked at", report.IdempotentWhy)
	assert.True(t, report.OK())
}

func TestWithoutASecret(t *testing.T) {
	t.Parallel()
	b := &bot{admit: func(r *http.Request) int {
		if len(r.Header["X-Webhook-Secret"]) > 0 || r.URL.RawQuery != "" {
			return http.StatusTeapot
		}
		return 0
	}}
	o := quick(serve(t, b))
	o.Secret = ""
	report := run(t, o)
	assert.NoError(t, report.Err())
	assert.Equal(t, []string{"secret", "no-secret", "wrong-secret", "secret-in-url", "idempotent"}, ended(report, check.Skipped))
	assert.Equal(t, "no secret is known, so none was sent", named(t, report, "wrong-secret").Why)

	o = quick(serve(t, &bot{}))
	o.Secret = ""
	report = run(t, o)
	assert.Equal(t, []string{"secret"}, ended(report, check.Fail))
	assert.Contains(t, named(t, report, "secret").Why, "say which one the handler wants")
}

// A handler that ends is not blamed for what it was not asked.
func TestAHandlerThatIsGone(t *testing.T) {
	t.Parallel()
	var s *httptest.Server
	b := &bot{act: func(event map[string]any) (int, any) {
		if at(event, "comment") != nil && at(event, "comment", "content") == nil {
			s.Listener.Close()
			panic(http.ErrAbortHandler)
		}
		return http.StatusOK, nil
	}}
	s = httptest.NewServer(b)
	defer s.Close()
	report := run(t, quick(s.URL))
	assert.Equal(t, []string{"hidden-comment"}, ended(report, check.Fail))
	assert.Equal(t, "nobody listens there any more", report.Stopped)
	assert.Equal(t, report.Stopped, named(t, report, "refs").Why)
	assert.Equal(t, report.Stopped, named(t, report, "afterwards").Why)
	assert.False(t, report.OK())
	assert.ErrorContains(t, report.Err(), "hidden-comment: fail: want 2xx, came ")
	assert.ErrorContains(t, report.Err(), "nobody listens there any more")
}

// A handler that does not answer any more is not waited for over and over.
func TestTheTimeIsBounded(t *testing.T) {
	t.Parallel()
	var first atomic.Bool
	report := run(t, func() check.Options {
		o := quick(serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if !first.CompareAndSwap(false, true) {
				<-r.Context().Done()
			}
		})))
		o.Patience = 2 * time.Second
		o.Only = []string{"scopes", "types", "refs", "large", "cut", "afterwards"}
		return o
	}())
	assert.Equal(t, []string{"scopes", "types", "refs"}, ended(report, check.Fail))
	assert.Equal(t, []string{"large", "cut", "afterwards"}, ended(report, check.Skipped))
	assert.Equal(t, "3 cases in a row got no answer within 2s", report.Stopped)
	assert.Equal(t, 4, report.Requests, "a case ends at the first that gets no answer")
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	why := errors.New("somebody pressed a key")
	ctx, cancel := context.WithCancelCause(t.Context())
	o := quick(serve(t, &bot{}))
	o.Progress = func(r check.Result) {
		if r.Name == "scopes" {
			cancel(why)
		}
	}
	report, err := check.Run(ctx, o)
	assert.ErrorIs(t, err, why)
	assert.Equal(t, "interrupted", report.Stopped)
	assert.False(t, report.OK())
	assert.Equal(t, "scopes", report.Results[len(report.Results)-1].Name)

	report, err = check.Run(ctx, o)
	assert.ErrorIs(t, err, why)
	assert.Empty(t, report.Results)
	assert.False(t, report.OK())
}

// What deliveries look like: as the Hub's, about a repo that exists nowhere.
func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	names := map[any]bool{}
	ids := map[string]string{}
	var header http.Header
	b := &bot{}
	var mu sync.Mutex
	b.admit = func(r *http.Request) int {
		mu.Lock()
		defer mu.Unlock()
		header = r.Header
		return admitBySecret(r)
	}
	b.act = func(event map[string]any) (int, any) {
		names[at(event, "repo", "name")] = true
		return http.StatusOK, nil
	}
	o := quick(serve(t, b))
	o.Target.Header = http.Header{"X-Mine": {"1"}}
	report := run(t, o)
	require.NoError(t, report.Err())
	for name := range names {
		if name != "nowhere" { // one of them has no owner
			assert.True(t, strings.HasPrefix(name.(string), "hfhook-check/"), name)
		}
	}
	assert.Len(t, header["Webhook-Id"], 1)
	assert.Equal(t, []string{"1"}, header["X-Mine"])
	assert.Equal(t, []string{"hfhook-check"}, header["User-Agent"])
	assert.Equal(t, []string{"application/json"}, header["Content-Type"])

	// The next check is about other deliveries, or the same with the same seed.
	once := slices.Clone(b.work)
	run(t, o)
	assert.Len(t, b.work, 2*len(once))
	for _, id := range b.work {
		assert.Empty(t, ids[id])
		ids[id] = id
	}
	o.Seed, o.Repo = 7, "acme/bert"
	run(t, o)
	again := len(b.work)
	assert.Contains(t, names, any("acme/bert"))
	run(t, o)
	assert.Len(t, b.work, again)
}

func TestEffectsThatTellNothing(t *testing.T) {
	t.Parallel()
	n := 0
	for name, c := range map[string]struct {
		effects func(b *bot) (string, error)
		why     string
	}{
		"cannot be read":       {func(*bot) (string, error) { return "", errors.New("no such table") }, "the effects cannot be read: no such table"},
		"change by themselves": {func(*bot) (string, error) { n++; return strconv.Itoa(n), nil }, "the effects change by themselves"},
		"never change":         {func(*bot) (string, error) { return "1", nil }, `a delivery changes nothing in the effects: "1"`},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bot{}
			o := quick(serve(t, b))
			o.Only, o.Patience = []string{"idempotent"}, 2*time.Second
			o.Effects = func(context.Context) (string, error) { return c.effects(b) }
			report := run(t, o)
			assert.Equal(t, check.Unknown, report.Idempotent)
			assert.Equal(t, c.why, report.IdempotentWhy)
			assert.Equal(t, check.Skipped, named(t, report, "idempotent").Verdict)
			assert.True(t, report.OK())
		})
	}
}

// Over TLS too, half a request can be told from a whole one.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(&bot{})
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	o := quick(s.URL)
	_, err := check.Run(t.Context(), o)
	assert.ErrorIs(t, err, check.ErrNobody)
	o.Target.TLS = replay.TLSOptions{SkipVerify: true}
	report := run(t, o)
	assert.NoError(t, report.Err())
	assert.Empty(t, ended(report, check.Warn))
	assert.Equal(t, "400 Bad Request", named(t, report, "cut").Came)
}

func TestJUnit(t *testing.T) {
	report := &check.Report{
		URL: "http://localhost/?secret=[redacted]", Idempotent: check.No, Slowest: 1500 * time.Millisecond, Patience: 10 * time.Second, Stopped: "gone",
		Results: []check.Result{
			{Name: "time", Verdict: check.Pass, Came: "2 ms", Duration: 2 * time.Millisecond},
			{Name: "bucket", About: "a bucket", Want: "2xx", Came: `422 <"&'>` + "\x1b", Why: "buckets", Verdict: check.Fail, Duration: time.Second},
			{Name: "version-4", Want: "2xx", Came: "422", Why: "a choice", Verdict: check.Warn},
			{Name: "no-secret", Verdict: check.Skipped, Why: "none is known"},
			{Name: "late", Verdict: check.Skipped, Why: "gone"},
		},
	}
	var text strings.Builder
	require.NoError(t, report.WriteJUnit(&text))
	assert.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="hfhook check" tests="5" failures="1" errors="1" skipped="1" time="1.002">
  <testsuite name="hfhook check" tests="5" failures="1" errors="1" skipped="1" time="1.002">
    <properties>
      <property name="url" value="http://localhost/?secret=[redacted]"></property>
      <property name="idempotent" value="no"></property>
      <property name="slowest" value="1.500"></property>
      <property name="patience" value="10.000"></property>
    </properties>
    <testcase classname="hfhook.check" name="time" time="0.002">
      <system-out>2 ms</system-out>
    </testcase>
    <testcase classname="hfhook.check" name="bucket" time="1.000">
      <failure message="want 2xx, came 422 &lt;&#34;&amp;&#39;&gt;`+"\uFFFD"+`" type="bucket">sent: a bucket&#xA;want: 2xx&#xA;came: 422 &lt;&#34;&amp;&#39;&gt;`+"\uFFFD"+`&#xA;buckets</failure>
    </testcase>
    <testcase classname="hfhook.check" name="version-4" time="0.000">
      <system-out>warning&#xA;sent: &#xA;want: 2xx&#xA;came: 422&#xA;a choice</system-out>
    </testcase>
    <testcase classname="hfhook.check" name="no-secret" time="0.000">
      <skipped message="none is known"></skipped>
    </testcase>
    <testcase classname="hfhook.check" name="late" time="0.000">
      <error message="gone"></error>
    </testcase>
  </testsuite>
</testsuites>
`, text.String())
	var any struct{}
	assert.NoError(t, xml.Unmarshal([]byte(text.String()), &any))
	assert.Error(t, report.WriteJUnit(failing{}))
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, fmt.Errorf("the disk is full") }
