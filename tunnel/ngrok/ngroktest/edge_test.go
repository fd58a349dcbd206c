package ngroktest_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.ngrok.com/muxado/v2"

	"github.com/hfhook/hfhook/tunnel"
	"github.com/hfhook/hfhook/tunnel/ngrok/ngroktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, ngroktest.Lingering()...) }

type obj = map[string]any

// agent speaks the protocol by hand, to say what the library never would.
type agent struct {
	t   *testing.T
	mux muxado.TypedStreamSession
}

func connect(t *testing.T, edge *ngroktest.Edge) agent {
	t.Helper()
	c, err := tls.Dial("tcp", edge.ConnectURL, &tls.Config{RootCAs: edge.CAs()})
	require.NoError(t, err)
	a := agent{t, muxado.NewTypedStreamSession(muxado.Client(c, nil))}
	t.Cleanup(func() { _ = a.mux.Close() })
	return a
}

func (a agent) ask(kind muxado.StreamType, q obj) obj {
	a.t.Helper()
	st, err := a.mux.OpenTypedStream(kind)
	require.NoError(a.t, err)
	defer st.Close()
	require.NoError(a.t, json.NewEncoder(st).Encode(q))
	var answer obj
	_ = json.NewDecoder(st).Decode(&answer) // none: nil
	return answer
}

func auth(token string) obj {
	return obj{"Version": []string{"3", "2"}, "ClientId": "", "Extra": obj{"Authtoken": token, "Version": "1.2.3"}}
}

func bind(url string) obj {
	return obj{"Id": "", "Proto": "https", "Opts": obj{"URL": url, "TrafficPolicy": "x"}, "Extra": obj{"Token": ""}}
}

// with is q with one more value, at a path of keys.
func with(q obj, value any, path ...string) obj {
	b, _ := json.Marshal(q)
	var c obj
	_ = json.Unmarshal(b, &c)
	in := c
	for _, key := range path[:len(path)-1] {
		in = in[key].(obj)
	}
	in[path[len(path)-1]] = value
	return c
}

func TestWhatAgentsDoWrongIsRefusedAndRecorded(t *testing.T) {
	edge := ngroktest.Start(t)
	hello := auth(edge.Token)
	known := connect(t, edge).ask(0, hello)
	require.Empty(t, known["Error"])
	taken := "https://taken.example.test"

	for name, c := range map[string]struct {
		before bool // a good Auth, and a bind of taken
		kind   muxado.StreamType
		q      func(auth, bind obj) obj
		want   string
	}{
		"bind before auth":   {false, 1, func(_, _ obj) obj { return bind(taken) }, "Bind: before a good Auth"},
		"old protocol":       {false, 0, func(_, _ obj) obj { return with(hello, []string{"2"}, "Version") }, "Auth: protocol versions [2]"},
		"invented client id": {false, 0, func(_, _ obj) obj { return with(hello, "me", "ClientId") }, "Auth: client id me was never handed out"},
		"cookie without id":  {false, 0, func(_, _ obj) obj { return with(hello, "c", "Extra", "Cookie") }, "Auth: a cookie without a client id"},
		"lost cookie":        {false, 0, func(_, _ obj) obj { return with(hello, known["ClientId"], "ClientId") }, "Auth: not the cookie that came with client id " + known["ClientId"].(string)},
		"second auth":        {true, 0, func(_, _ obj) obj { return hello }, "Auth: a second one in a session"},
		"unknown protocol":   {true, 1, func(_, _ obj) obj { return with(bind(""), "tcp", "Proto") }, "Bind: protocol tcp"},
		"URL without TLS":    {true, 1, func(_, _ obj) obj { return bind("http://x.test") }, `Bind: URL "http://x.test"`},
		"URL with a path":    {true, 1, func(_, _ obj) obj { return bind("https://x.test/a") }, `Bind: URL "https://x.test/a"`},
		"token without id":   {true, 1, func(_, _ obj) obj { return with(bind(""), "t", "Extra", "Token") }, "Bind: a token without an id"},
		"invented bind id":   {true, 1, func(_, _ obj) obj { return with(bind(""), "me", "Id") }, "Bind: id me was never handed out"},
		"lost bind token":    {true, 1, func(_, b obj) obj { return with(bind(taken), b["Id"], "Id") }, "Bind: not the token that came with id"},
		"other URL": {true, 1, func(_, b obj) obj {
			return with(with(bind(""), b["Id"], "Id"), b["Extra"].(obj)["Token"], "Extra", "Token")
		}, "was bound to " + taken + ", not "},
		"unbind of nothing":    {true, 2, func(_, _ obj) obj { return obj{"Id": "me"} }, "Unbind: id me is not bound"},
		"stream of no meaning": {true, 77, func(_, _ obj) obj { return obj{} }, "a stream of unknown type 77"},
	} {
		t.Run(name, func(t *testing.T) {
			a := connect(t, edge)
			var authed, bound obj
			if c.before {
				authed, bound = a.ask(0, hello), a.ask(1, bind(taken))
				require.Empty(t, bound["Error"])
			}
			answer := a.ask(c.kind, c.q(authed, bound))
			if answer != nil {
				assert.NotEmpty(t, answer["Error"])
			}
			wrongs := edge.Wrongs()
			require.Len(t, wrongs, 1)
			assert.Contains(t, wrongs[0], c.want)
			edge.KillSessions()
		})
	}
}

func TestRefusesAsTheServiceDoes(t *testing.T) {
	edge := ngroktest.Start(t)
	other := rand.Text()
	for code, q := range map[string]obj{
		"4018": auth(""),
		"107":  auth(other),
		"119":  with(auth(edge.Token), "dev", "Extra", "Version"),
	} {
		text := connect(t, edge).ask(0, q)["Error"].(string)
		assert.Contains(t, text, "\r\n\r\nERR_NGROK_"+code+"\r\n")
		if code == "107" {
			assert.Contains(t, text, other, "the service repeats the token")
		}
	}
	first, second := connect(t, edge), connect(t, edge)
	first.ask(0, auth(edge.Token))
	second.ask(0, auth(edge.Token))
	got := first.ask(1, bind("https://x.example.test"))
	assert.Empty(t, got["Error"])
	assert.Equal(t, obj{"URL": "https://x.example.test", "TrafficPolicy": "x"}, got["Opts"], "the library repeats the options that come back")
	assert.Contains(t, second.ask(1, bind("https://x.example.test"))["Error"], "ERR_NGROK_334")
	assert.Empty(t, first.ask(2, obj{"Id": got["Id"]})["Error"])
	assert.Empty(t, second.ask(1, bind("https://x.example.test"))["Error"], "free again")
	assert.Empty(t, edge.Wrongs(), "none of this is against the protocol")
}

func TestPublicSide(t *testing.T) {
	edge := ngroktest.Start(t)
	resp, err := edge.Client().Get("https://nobody.example.test/")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
	assert.Equal(t, "ERR_NGROK_3200", resp.Header.Get("Ngrok-Error-Code"))

	tun, err := edge.Provider().Open(t.Context(), tunnel.Options{})
	require.NoError(t, err)
	defer tun.Close()
	var got *http.Request
	go http.Serve(tun, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
		got = r
	}))

	// As a program in another process would: by proxy and CA file.
	pem, err := os.ReadFile(edge.CAFile(t))
	require.NoError(t, err)
	cas := x509.NewCertPool()
	require.True(t, cas.AppendCertsFromPEM(pem))
	far := &http.Client{Transport: &http.Transport{
		Proxy:             http.ProxyURL(edge.ProxyURL),
		TLSClientConfig:   &tls.Config{RootCAs: cas},
		DisableKeepAlives: true,
	}}
	resp, err = far.Get(tun.URL().String() + "/x?y")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, ngroktest.DevDomain, got.Host)
	assert.Equal(t, "/x?y", got.RequestURI)
	assert.Equal(t, "127.0.0.1", got.Header.Get("X-Forwarded-For"))
	assert.Equal(t, ngroktest.DevDomain, got.Header.Get("X-Forwarded-Host"))
	assert.Equal(t, "https", got.Header.Get("X-Forwarded-Proto"))

	resp, err = far.Get(tun.URL().String() + "/panic")
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, http.StatusBadGateway, resp.StatusCode)
	assert.Equal(t, "ERR_NGROK_3004", resp.Header.Get("Ngrok-Error-Code"))
	assert.Equal(t, 3, edge.Requests())
}
