package check_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/hfhook/hfhook/receiver/check"
)

// Each bad handler is caught for its own reason, and for no other.
func TestBadHandlers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		url   func(t *testing.T) string
		o     func(*check.Options)
		fails []string
		warns []string
		came  string // of the first one
		why   string
	}{
		"looks at no secret": {
			url:   bad(&bot{admit: func(*http.Request) int { return 0 }}),
			fails: []string{"no-secret", "wrong-secret"},
			came:  "no secret: 200 OK",
			why:   "everybody who finds the URL can post to it",
		},
		"takes what begins with the secret": {
			url: bad(&bot{admit: func(r *http.Request) int {
				if !strings.HasPrefix(r.Header.Get("X-Webhook-Secret"), secret) {
					return http.StatusForbidden
				}
				return 0
			}}),
			fails: []string{"wrong-secret"},
			came:  "the secret with more behind it: 200 OK",
		},
		"takes an empty secret": {
			url: bad(&bot{admit: func(r *http.Request) int {
				if got := r.Header.Values("X-Webhook-Secret"); len(got) == 0 || !strings.HasPrefix(secret, got[0]) {
					return http.StatusForbidden
				}
				return 0
			}}),
			fails: []string{"wrong-secret"},
			warns: []string{},
			came:  "an empty secret: 200 OK",
		},
		"crashes without a secret": {
			url: bad(&bot{admit: func(r *http.Request) int {
				if len(r.Header["X-Webhook-Secret"]) == 0 {
					return http.StatusInternalServerError
				}
				return admitBySecret(r)
			}}),
			warns: []string{"no-secret", "wrong-secret", "secret-in-url"},
			came:  "no secret: 500 Internal Server Error",
		},
		"compares an HMAC": {
			url: bad(&bot{admit: func(r *http.Request) int {
				body, _ := io.ReadAll(r.Body)
				mac := hmac.New(sha256.New, []byte(secret))
				mac.Write(body)
				if r.Header.Get("X-Hub-Signature-256") != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
					return http.StatusUnauthorized
				}
				return 0
			}}),
			fails: []string{"secret"},
			came:  "401 Unauthorized",
			why:   "it signs nothing",
		},
		"has a strict model": {
			url:   bad(&bot{parse: parseStrictly}),
			fails: []string{"bucket", "kernel", "unknown-type", "new-fields", "unknown-scope", "narrower-scope", "unknown-action", "unknown-status"},
			warns: []string{"version-4"},
			came:  "repo.create of a bucket: 422 Unprocessable Entity; and 3 more of 4",
			why:   "buckets are a type of repo since August 2026",
		},
		"fails on a hidden comment": {
			url: bad(&bot{act: func(event map[string]any) (int, any) {
				if at(event, "comment") != nil && at(event, "comment", "content") == nil {
					return http.StatusInternalServerError, "KeyError: 'content'\x1b[31m"
				}
				return http.StatusOK, nil
			}}),
			fails: []string{"hidden-comment"},
			came:  `500 Internal Server Error: "KeyError: 'content'\u001b[31m"`,
		},
		"dies of a hidden comment, and is started again": {
			url: bad(&bot{act: func(event map[string]any) (int, any) {
				if at(event, "comment") != nil && at(event, "comment", "content") == nil {
					panic(http.ErrAbortHandler)
				}
				return http.StatusOK, nil
			}}),
			fails: []string{"hidden-comment"},
			came:  "the connection ended before an answer",
		},
		"takes null for a string": {
			url: bad(&bot{act: func(event map[string]any) (int, any) {
				refs, _ := event["updatedRefs"].([]any)
				for _, ref := range refs {
					if _, ok := at(ref.(map[string]any), "newSha").(string); !ok {
						return http.StatusInternalServerError, nil
					}
				}
				return http.StatusOK, nil
			}}),
			fails: []string{"refs"},
			came:  "repo.content.update.branch-deleted: 500",
		},
		"expects a changed setting": {
			url: bad(&bot{act: func(event map[string]any) (int, any) {
				if config, ok := event["updatedConfig"].(map[string]any); ok && len(config) == 0 && at(event, "event", "scope") == "repo.config" {
					return http.StatusInternalServerError, nil
				}
				return http.StatusOK, nil
			}}),
			fails: []string{"empty-config"},
		},
		"redirects": {
			url: func(t *testing.T) string {
				mux := http.NewServeMux()
				mux.Handle("/webhooks/my_bot/", &bot{})
				return serve(t, mux)
			},
			fails: []string{"redirect"},
			came:  "307 Temporary Redirect to /webhooks/my_bot/",
		},
		"is elsewhere": {
			url:   func(t *testing.T) string { return serve(t, http.NotFoundHandler()) },
			fails: []string{"delivery"},
			came:  "404 Not Found: 404 page not found",
			why:   "is its path the handler's?",
		},
		"is slower than the Hub's patience": {
			url: func(t *testing.T) string {
				return serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					<-r.Context().Done()
				}))
			},
			o:     func(o *check.Options) { o.Patience = 100 * time.Millisecond },
			fails: []string{"time"},
			came:  "no complete answer within 100ms",
		},
		"acts on repeats, as its answers tell": {
			url: func(t *testing.T) string {
				b, n := &bot{}, 0
				b.act = func(map[string]any) (int, any) { n++; return http.StatusOK, map[string]int{"handled": n} }
				b.again = b.act
				return serve(t, b)
			},
			fails: []string{"idempotent"},
			came:  `its answers count repeats: "200 OK {\"handled\":`,
		},
		"acts on repeats, as its effects tell": {
			url: bad(&bot{again: func(map[string]any) (int, any) { counter.add(); return 200, nil }, act: func(map[string]any) (int, any) { counter.add(); return 200, nil }}),
			o: func(o *check.Options) {
				o.Effects = func(context.Context) (string, error) { return counter.text(), nil }
			},
			fails: []string{"idempotent"},
			came:  "a repeat has an effect of its own: ",
		},
		"refuses repeats": {
			url:   bad(&bot{again: func(map[string]any) (int, any) { return http.StatusConflict, "again" }}),
			fails: []string{"repeat", "late"},
			came:  `the second time: 409 Conflict: "again"`,
			why:   "what was done already needs a 2xx too",
		},
		"wants the Hub to keep an order": {
			url: func(t *testing.T) string {
				gone := map[any]bool{}
				return serve(t, &bot{act: func(event map[string]any) (int, any) {
					if gone[at(event, "repo", "id")] {
						return http.StatusNotFound, nil
					}
					if at(event, "event", "scope") == "repo" && at(event, "event", "action") == "delete" {
						gone[at(event, "repo", "id")] = true
					}
					return http.StatusOK, nil
				}})
			},
			fails: []string{"out-of-order"},
		},
		"takes 1 MiB": {
			url: bad(&bot{read: func(r *http.Request) ([]byte, error) {
				return io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<20))
			}}),
			fails: []string{"large"},
			why:   "limit it at 16 MB",
		},
		"takes 100 KB": {
			url: bad(&bot{read: func(r *http.Request) ([]byte, error) {
				return io.ReadAll(http.MaxBytesReader(nil, r.Body, 100<<10))
			}}),
			fails: []string{"large-comment", "large"},
		},
		"takes half a body for a whole one": {
			url: bad(&bot{
				read: func(r *http.Request) ([]byte, error) { body, _ := io.ReadAll(r.Body); return body, nil },
				parse: func(body []byte) (map[string]any, int) {
					event, _ := parseObject(body)
					return event, 0
				},
			}),
			fails: []string{"cut"},
			came:  "200 OK for half a body",
		},
		"does not get over a cut connection": {
			url: func(t *testing.T) string {
				var broken sync.Map
				return serve(t, &bot{read: func(r *http.Request) ([]byte, error) {
					body, err := readWhole(r)
					if _, ok := broken.Load("yes"); ok {
						<-r.Context().Done()
					}
					if err != nil {
						broken.Store("yes", true)
					}
					return body, err
				}})
			},
			o:     func(o *check.Options) { o.Patience = 2 * time.Second; o.Only = []string{"cut", "repeat"} },
			fails: []string{"cut", "repeat"},
			came:  "afterwards: no complete answer within 2s",
		},
		"serves one at a time": {
			url: func(t *testing.T) string {
				var one sync.Mutex
				b := &bot{}
				return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					one.Lock()
					defer one.Unlock()
					b.ServeHTTP(w, r)
				}))
			},
			o: func(o *check.Options) {
				o.Patience, o.Trickle = 4*time.Second, time.Second
				o.Skip = []string{"large"} // takes its time with the race detector
			},
			fails: []string{"slow-client"},
			came:  "the other one: no complete answer within 4s",
			why:   "serve several at a time",
		},
		"refuses several at a time": {
			url: func(t *testing.T) string {
				var serving sync.Mutex
				b := &bot{}
				return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !serving.TryLock() {
						w.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					defer serving.Unlock()
					b.ServeHTTP(w, r)
				}))
			},
			o:     func(o *check.Options) { o.Only, o.Trickle = []string{"slow-client"}, time.Second },
			fails: []string{"slow-client"},
			came:  "the other one: 503 Service Unavailable",
		},
		"closes connections": {
			url:   func(t *testing.T) string { return serveConns(t, readRequest) },
			fails: []string{"answer"},
			came:  "the connection ended before an answer",
		},
		"speaks another language": {
			url: func(t *testing.T) string {
				return serveConns(t, func(c net.Conn) { readRequest(c); io.WriteString(c, "220 mail.example ESMTP "+secret+"\r\n") })
			},
			fails: []string{"answer"},
			came:  "malformed HTTP",
		},
		"ends in the middle of an answer": {
			url: func(t *testing.T) string {
				return serveConns(t, func(c net.Conn) {
					readRequest(c)
					io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"ok\"")
				})
			},
			fails: []string{"answer"},
			came:  "200 OK, but the connection ended in the middle of the answer",
		},
		"answers without an end": {
			url: func(t *testing.T) string {
				return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					w.(http.Flusher).Flush()
					<-r.Context().Done()
				}))
			},
			o:     func(o *check.Options) { o.Patience = 300 * time.Millisecond },
			fails: []string{"answer"},
			came:  "200 OK, but no complete answer within 300ms",
		},
		"answers with more and more": {
			url: func(t *testing.T) string {
				return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					for {
						if _, err := io.WriteString(w, strings.Repeat("x", 1000)); err != nil {
							return
						}
					}
				}))
			},
			o:     func(o *check.Options) { o.Only = []string{"refs"} },
			warns: []string{"answer"},
			came:  "more than 256 KB, and no end of it",
		},
		"crashes on what is no JSON": {
			url: bad(&bot{parse: func(body []byte) (event map[string]any, _ int) {
				if json.Unmarshal(body, &event) != nil {
					return nil, http.StatusInternalServerError
				}
				return event, 0
			}}),
			warns: []string{"not-json"},
			came:  "500 Internal Server Error",
		},
		"wants a Content-Length": {
			url: bad(&bot{read: func(r *http.Request) ([]byte, error) {
				if r.ContentLength < 0 {
					return nil, io.ErrUnexpectedEOF
				}
				return readWhole(r)
			}}),
			warns: []string{"chunked"},
			came:  "400 Bad Request",
		},
		"says 200 to everything": {
			url: func(t *testing.T) string {
				return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
			},
			fails: []string{"no-secret", "wrong-secret", "cut"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := quick(c.url(t))
			if c.o != nil {
				c.o(&o)
			}
			report := run(t, o)
			if c.fails == nil {
				c.fails = []string{}
			}
			if c.warns == nil {
				c.warns = []string{}
			}
			assert.Equal(t, c.fails, ended(report, check.Fail), "%v", report.Err())
			assert.Equal(t, c.warns, ended(report, check.Warn))
			i := slices.IndexFunc(report.Results, func(r check.Result) bool { return r.Verdict == check.Fail || r.Verdict == check.Warn })
			if assert.GreaterOrEqual(t, i, 0) {
				assert.Contains(t, report.Results[i].Came, c.came)
				assert.Contains(t, report.Results[i].Why, c.why)
				assert.NotEmpty(t, report.Results[i].Why)
			}
			assert.Equal(t, len(c.fails) == 0, report.OK())
			assert.NotContains(t, fmt.Sprintf("%+v", report), secret)
			if i := slices.Index([]string{"time", "answer", "redirect", "secret", "delivery"}, append(c.fails, "")[0]); i >= 0 {
				assert.Equal(t, check.Skipped, named(t, report, "afterwards").Verdict)
				assert.Equal(t, c.fails[0]+" failed", named(t, report, "afterwards").Why)
				assert.Equal(t, 1, report.Requests)
			}
		})
	}
}

func bad(b *bot) func(*testing.T) string {
	return func(t *testing.T) string { return serve(t, b) }
}

// counter is what a handler did.
var counter count

type count struct {
	mu sync.Mutex
	n  int
}

func (c *count) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *count) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strconv.Itoa(c.n)
}

func readRequest(c net.Conn) {
	if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.Copy(io.Discard, req.Body)
	}
}

// parseStrictly is a model that lists all that it knows.
func parseStrictly(body []byte) (map[string]any, int) {
	type object struct{ ID string }
	type address struct{ Web, API string }
	var p struct {
		Event struct{ Action, Scope string }
		Repo  struct {
			Type, Name, ID, HeadSha, Subdomain string
			Private                            bool
			URL                                address
			Owner                              object
		}
		Discussion *struct {
			ID, Title, Status string
			Num               int
			URL               address
			Author            object
			IsPullRequest     bool
			Changes           *struct{ Base, MergeCommitID string }
		}
		Comment *struct {
			ID, Content string
			Hidden      bool
			Author      object
			URL         address
		}
		MovedTo *struct {
			Name  string
			Owner object
		}
		UpdatedRefs []struct {
			Ref            string
			OldSha, NewSha *string
		}
		UpdatedConfig map[string]any
		Webhook       struct {
			ID      string
			Version int
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	known := func(word string, words ...string) bool { return slices.Contains(words, word) }
	if decoder.Decode(&p) != nil ||
		!known(p.Event.Action, "create", "delete", "update", "move") ||
		!known(p.Event.Scope, "repo", "repo.content", "repo.config", "discussion", "discussion.comment") ||
		!known(p.Repo.Type, "model", "dataset", "space") ||
		p.Discussion != nil && !known(p.Discussion.Status, "open", "closed", "draft", "merged") ||
		p.Webhook.Version != 3 {
		return nil, http.StatusUnprocessableEntity
	}
	return parseObject(body)
}
