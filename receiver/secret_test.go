package receiver_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
)

func TestSecret(t *testing.T) {
	first, second := rand.Text(), rand.Text()+" &+%;="+rand.Text()
	addr := serve(t, newServer(t, receiver.Options{Secrets: []string{first, second}, MaxHeaderBytes: 4 << 20}))
	header := func(secret string) string { return "X-Webhook-Secret: " + secret }
	query := func(secret string) string { return "?secret=" + url.QueryEscape(secret) }
	for name, tt := range map[string]struct {
		query   string
		headers []string
		want    int
	}{
		"first":                      {"", []string{header(first)}, 200},
		"second":                     {"", []string{header(second)}, 200},
		"in the query":               {query(first), nil, 200},
		"in the query, escaped":      {query(second), nil, 200},
		"empty header, good query":   {query(first), []string{header("")}, 200},
		"good header, wrong query":   {"?secret=x", []string{header(first)}, 200},
		"none":                       {"", nil, 401},
		"empty":                      {"", []string{header("")}, 401},
		"empty in the query":         {"?secret=", nil, 401},
		"wrong":                      {"", []string{header(rand.Text())}, 403},
		"wrong header, good query":   {query(first), []string{header("x")}, 403},
		"wrong in the query":         {"?secret=x", nil, 403},
		"beginning of a good one":    {"", []string{header(first[:len(first)-1])}, 403},
		"good one and more":          {"", []string{header(first + "x")}, 403},
		"other case":                 {"", []string{header(strings.ToLower(first))}, 403},
		"both in one":                {"", []string{header(first + ", " + second)}, 403},
		"header twice":               {"", []string{header(first), header(first)}, 403},
		"twice in the query":         {query(first) + "&secret=x", nil, 403},
		"not ASCII":                  {"", []string{header("schlüssel\xff")}, 403},
		"1 MB":                       {"", []string{header(strings.Repeat("x", 1<<20))}, 403},
		"a signature, as others do":  {"", []string{"X-Hub-Signature-256: sha256=" + first}, 401},
		"query with a bad escape":    {"?secret=%zz", nil, 401},
		"query with a semicolon":     {"?a;secret=" + first, nil, 401},
		"another parameter's ending": {"?xsecret=" + first, nil, 401},
	} {
		t.Run(name, func(t *testing.T) {
			got := send(t, "POST", "http://"+addr+"/webhooks/hook"+tt.query, sample(t, commit), tt.headers...)
			assert.Equal(t, tt.want, got.Status)
			switch tt.want {
			case 200:
				assert.Equal(t, "{}", got.Body)
			case 401:
				assert.JSONEq(t, `{"error":"no secret"}`, got.Body)
			default:
				assert.Contains(t, got.Body, `{"error":"`)
			}
			assert.NotContains(t, got.Body, first)
		})
	}
}

func TestSecretFromTheEnvironment(t *testing.T) {
	secret := rand.Text()
	t.Setenv("WEBHOOK_SECRET", secret)
	for name, tt := range map[string]struct {
		o     receiver.Options
		given string
		want  int
	}{
		"good":             {receiver.Options{}, secret, 200},
		"wrong":            {receiver.Options{}, "x", 403},
		"an option wins":   {receiver.Options{Secrets: []string{"other"}}, secret, 403},
		"NoSecret wins":    {receiver.Options{NoSecret: true}, "x", 200},
		"empty list falls": {receiver.Options{Secrets: []string{}}, "x", 403},
	} {
		t.Run(name, func(t *testing.T) {
			addr := serve(t, newServer(t, tt.o))
			got := send(t, "POST", "http://"+addr+"/webhooks/hook", sample(t, commit), "X-Webhook-Secret: "+tt.given)
			assert.Equal(t, tt.want, got.Status)
		})
	}
}

func TestUnusableSecretsAreRefusedAtStart(t *testing.T) {
	for name, tt := range map[string]struct {
		o    receiver.Options
		want string
	}{
		"empty":               {receiver.Options{Secrets: []string{"good", ""}}, "option Secrets: the secret is empty"},
		"control":             {receiver.Options{Secrets: []string{"a\nb"}}, "option Secrets: the secret holds something else than printable ASCII"},
		"DEL":                 {receiver.Options{Secrets: []string{"a\x7f"}}, "option Secrets: the secret holds something else than printable ASCII"},
		"not ASCII":           {receiver.Options{Secrets: []string{"ä"}}, "option Secrets: the secret holds something else than printable ASCII"},
		"not UTF-8":           {receiver.Options{Secrets: []string{"\xff"}}, "option Secrets: the secret holds something else than printable ASCII"},
		"blank":               {receiver.Options{Secrets: []string{"a "}}, "option Secrets: the secret has a blank at an end, which is lost on the way"},
		"contradiction":       {receiver.Options{Secrets: []string{"a"}, NoSecret: true}, "options Secrets and NoSecret exclude each other"},
		"from WEBHOOK_SECRET": {receiver.Options{}, "WEBHOOK_SECRET: the secret holds something else than printable ASCII"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("WEBHOOK_SECRET", "line\n")
			s := newServer(t, tt.o)
			assert.EqualError(t, s.Err(), tt.want)
			assert.EqualError(t, s.Serve(t.Context(), listen(t)), tt.want)
		})
	}
}

func TestMissingSecretIsAWarningUnlessAskedFor(t *testing.T) {
	for noSecret, want := range map[bool]bool{false: true, true: false} {
		var log lockedBuffer
		s := newServer(t, receiver.Options{NoSecret: noSecret, Log: log.logger()})
		assert.Equal(t, 200, record(s, "POST", "/webhooks/hook", "{}").Code)
		assert.Equal(t, want, strings.Contains(log.String(), "level=WARN msg=\"no secret is set"))
	}
}

func TestServerWithAnErrorServesNothing(t *testing.T) {
	s := newServer(t, receiver.Options{Secrets: []string{""}})
	got := record(s, "POST", "/webhooks/hook", sample(t, commit))
	assert.Equal(t, http.StatusInternalServerError, got.Code)
}

// The secret, right or wrong, is in nothing that is kept.
func TestSecretIsNotKept(t *testing.T) {
	secret, wrong := rand.Text()+"&+", rand.Text()
	escaped := url.QueryEscape(secret)
	store := memory.New()
	s := newServer(t, receiver.Options{Secrets: []string{secret}, Store: store, AnyPath: true, Dispatcher: noTargets{}})
	for _, path := range []string{
		"/webhooks/hook?a=1&secret=" + escaped + "&b=%zz",
		"/webhooks/hook?%73ecret=" + escaped,
		"/webhooks/hook?SECRET=" + escaped + ";x",
		"/webhooks/hook?secret=" + wrong,
		"/webhooks/hook?a;secret=" + escaped + ";secret=" + wrong,
	} {
		record(s, "POST", path, sample(t, commit), "X-Webhook-Secret: "+secret,
			"X-Original-Url: https://example.com/?secret="+escaped, "Referer: /x?secret="+escaped)
		record(s, "POST", path, sample(t, commit), "X-Webhook-Secret: "+wrong)
		record(s, "POST", path, sample(t, commit))
	}
	all := kept(t, store)
	require.Len(t, all, 15)
	for _, d := range all {
		text := d.Path + d.Query + d.Reason + d.Summary
		for name, values := range d.Header {
			text += name + strings.Join(values, "")
		}
		for _, s := range []string{secret, escaped, wrong} {
			assert.NotContains(t, text, s)
		}
		assert.Contains(t, d.Query, replay.Redacted)
	}
	assert.Equal(t, "a=1&secret=[redacted]&b=%zz", all[0].Query)
	assert.Equal(t, []string{replay.Redacted}, all[0].Header["X-Webhook-Secret"])
	assert.Equal(t, "https://example.com/?secret=[redacted]", all[0].Header.Get("X-Original-Url"))
}
