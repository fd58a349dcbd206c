package check_test

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/hfhook/hfhook/receiver/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret is what the handlers of these tests want.
var secret = rand.Text()

// quick are options that take no longer than they must.
func quick(url string) check.Options {
	return check.Options{URL: url, Secret: secret, Patience: 20 * time.Second, Trickle: 10 * time.Millisecond, Settle: 20 * time.Millisecond}
}

// run checks a handler at a URL.
func run(t *testing.T, o check.Options) *check.Report {
	t.Helper()
	report, err := check.Run(t.Context(), o)
	require.NoError(t, err)
	return report
}

// named gives the result of a case.
func named(t *testing.T, report *check.Report, name string) check.Result {
	t.Helper()
	for _, r := range report.Results {
		if r.Name == name {
			return r
		}
	}
	require.Fail(t, "there is no result", name)
	return check.Result{}
}

// ended names the cases with a verdict.
func ended(report *check.Report, v check.Verdict) []string {
	names := []string{}
	for _, r := range report.Results {
		if r.Verdict == v {
			names = append(names, r.Name)
		}
	}
	return names
}

// bot is a handler as it should be. What is set makes it worse.
type bot struct {
	admit func(*http.Request) int                 // the status to refuse with; 0: let in
	read  func(*http.Request) ([]byte, error)     // reads the body
	act   func(event map[string]any) (int, any)   // the first time that a delivery comes
	again func(event map[string]any) (int, any)   // when it is known
	parse func(body []byte) (map[string]any, int) // the status when it cannot be

	mu   sync.Mutex
	done map[string]bool // deliveries, by Webhook-Id
	work []string        // what was done
}

func (b *bot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	admit, read, parse := admitBySecret, readWhole, parseObject
	if b.admit != nil {
		admit = b.admit
	}
	if b.read != nil {
		read = b.read
	}
	if b.parse != nil {
		parse = b.parse
	}
	if status := admit(r); status != 0 {
		w.WriteHeader(status)
		return
	}
	body, err := read(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	event, status := parse(body)
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	answer := any(map[string]bool{"ok": true})
	status = http.StatusOK
	id := r.Header.Get("Webhook-Id")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done[id] {
		if b.again != nil {
			status, answer = b.again(event)
		}
	} else {
		if b.act != nil {
			status, answer = b.act(event)
		}
		if b.done == nil {
			b.done = map[string]bool{}
		}
		b.done[id] = true
		b.work = append(b.work, id)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// effects are what a bot has done.
func (b *bot) effects() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.work)
}

func admitBySecret(r *http.Request) int {
	switch got := r.Header.Get("X-Webhook-Secret"); {
	case got == "":
		return http.StatusUnauthorized
	case subtle.ConstantTimeCompare([]byte(got), []byte(secret)) != 1:
		return http.StatusForbidden
	}
	return 0
}

func readWhole(r *http.Request) ([]byte, error) { return io.ReadAll(io.LimitReader(r.Body, 16<<20)) }

func parseObject(body []byte) (event map[string]any, status int) {
	if json.Unmarshal(body, &event) != nil || event["event"] == nil {
		return nil, http.StatusUnprocessableEntity
	}
	return event, 0
}

// at gives what is deep in an event; nil when it is not there.
func at(event map[string]any, path ...string) any {
	var v any = event
	for _, key := range path {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	return v
}

// serve runs a handler on a real socket and gives its URL.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL + "/webhooks/my_bot"
}

// serveConns calls f for each connection and closes it then.
func serveConns(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				f(conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	return "http://" + l.Addr().String() + "/"
}
