package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
)

// hubs and storyteller are keys of a script's Hubs and of its test.
type (
	hubs        struct{}
	storyteller struct{}
)

// storyHub is a Hub of a script.
type storyHub struct {
	*hubtest.Hub
	hanging chan struct{} // receives when a call gets no answer
}

// scriptHub has the first argument name a Hub, and the second say what it is to
// do:
//
//	hub NAME                           starts; sets $HF_ENDPOINT, $HF_TOKEN and
//	                                   $NAME_URL
//	hub NAME register URL WATCHED...   makes a webhook, with $SECRET unless that
//	                                   is empty; sets $ID
//	hub NAME job ID                    has it start a Job, copied from none
//	hub NAME suspend ID
//	hub NAME rename ID NAME            gives what it watches another name, from a
//	                                   Go string
//	hub NAME extra ID                  gives it a key that hfhook does not know
//	hub NAME trigger REPO              delivers an event; sets $LOG
//	hub NAME webhook ID                prints it, its secret too
//	hub NAME webhooks                  prints how many there are
//	hub NAME calls METHOD              prints how many calls it got
//	hub NAME secrets show|hide|keep|lose
//	hub NAME token read|write|fineGrained [RIGHT...]
//	hub NAME answer N hang|html|break|limit|warn
//	                                   instead of the next N calls
//	hub NAME await                     until a call hangs
//	hub NAME down|up
func scriptHub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: hub NAME [what]")
	}
	all := ts.Value(hubs{}).(map[string]*storyHub)
	if len(args) == 1 {
		h := hubtest.Start(ts.Value(storyteller{}).(testing.TB))
		all[args[0]] = &storyHub{Hub: h}
		for _, variable := range h.Environ() {
			name, value, _ := strings.Cut(variable, "=")
			ts.Setenv(name, value)
		}
		ts.Setenv(args[0]+"_URL", h.URL)
		return
	}
	h := all[args[0]]
	if h == nil {
		ts.Fatalf("no hub %q was started", args[0])
	}
	what, rest := args[1], args[2:]
	arg := func(i int) string {
		if i >= len(rest) {
			ts.Fatalf("hub %s %s needs more arguments", args[0], what)
		}
		return rest[i]
	}
	switch what {
	case "register":
		var watched []hub.Watched
		for _, word := range rest[1:] {
			kind, name, _ := strings.Cut(word, ":")
			watched = append(watched, hub.Watched{Type: hub.WatchedType(kind), Name: name})
		}
		ts.Setenv("ID", h.Register(arg(0), hub.Secret(ts.Getenv("SECRET")), watched...).ID)
	case "job":
		h.Edit(arg(0), func(w *hub.Webhook) {
			w.URL, w.JobSourceID = "", ""
			w.Job = &hub.Job{
				DockerImage: "python:3.12", Command: []string{"python", "-c"}, Arguments: []string{"print(1)"}, Flavor: "cpu-basic", TimeoutSeconds: 90,
				Environment: map[string]string{"SEED": ts.Getenv("SECRET")}, Secrets: hub.JobSecrets{"HF_TOKEN": hub.Secret(h.Token)},
			}
		})
	case "suspend":
		h.Edit(arg(0), func(w *hub.Webhook) {
			w.State, w.LastTriggerAt = hub.Suspended, time.Date(2026, 9, 1, 12, 34, 56, 0, time.UTC)
		})
	case "rename":
		name, err := strconv.Unquote(`"` + arg(1) + `"`)
		ts.Check(err)
		h.Edit(arg(0), func(w *hub.Webhook) { w.Watched[0].Name = name })
	case "extra":
		h.Extra(arg(0), "batch", map[string]int{"size": 10})
	case "trigger":
		for _, d := range h.Trigger(hubtest.Event{Repo: arg(0)}) {
			d.Wait()
			ts.Setenv("LOG", d.LogID)
		}
	case "webhook":
		if w := h.Webhook(arg(0)); w != nil {
			fmt.Fprintf(ts.Stdout(), "url=%s\njobId=%s\nstate=%s\nwatched=%v\ndomains=%v\nsecret=%s\n", w.URL, w.JobSourceID, w.State, w.Watched, w.Domains, string(w.Secret))
			return
		}
		fmt.Fprintln(ts.Stdout(), "none")
	case "webhooks":
		fmt.Fprintln(ts.Stdout(), len(h.Webhooks()))
	case "calls":
		n := 0
		for _, r := range h.Requests() {
			if r.Method == arg(0) {
				n++
			}
		}
		fmt.Fprintln(ts.Stdout(), n)
	case "secrets":
		switch how := arg(0); how {
		case "show", "hide":
			h.ShowSecrets(how == "show")
		default:
			h.KeepSecrets(how == "keep")
		}
	case "token":
		h.TokenIs(hub.TokenKind(arg(0)), rest[1:]...)
	case "answer":
		n, err := strconv.Atoi(arg(0))
		ts.Check(err)
		switch arg(1) {
		case "hang":
			hanging := make(chan struct{}, 1)
			h.hanging = hanging
			h.Interrupt(n, func(w http.ResponseWriter, r *http.Request) {
				select {
				case hanging <- struct{}{}:
				default:
				}
				hubtest.Hang(w, r)
			})
		case "html":
			h.Interrupt(n, hubtest.HTMLError)
		case "break":
			h.Interrupt(n, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		case "limit":
			h.Interrupt(n, hubtest.RateLimited(time.Hour))
		case "warn":
			h.Interrupt(n, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-HF-Warning", "Webhooks; limits \u202echange soon")
				_, _ = io.WriteString(w, "[]")
			})
		default:
			ts.Fatalf("a hub cannot answer with %s", arg(1))
		}
	case "await":
		select {
		case <-h.hanging:
		case <-time.After(patience):
			ts.Fatalf("no call within %s", patience)
		}
	case "down":
		h.Down()
	case "up":
		h.Up()
	default:
		ts.Fatalf("a hub cannot %s", what)
	}
}
