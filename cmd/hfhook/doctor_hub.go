package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/tunnel"
)

// hubTime bounds the questions to the Hub.
const hubTime = 8 * time.Second

// lookAtHub looks whether the Hub answers and what the user's token is good
// for. hfhook dev receives without either.
func lookAtHub(ctx context.Context) []finding {
	const name, ofToken = "hub", "token"
	token, foundErr := hubToken()
	endpoint, source := hub.FindEndpoint(os.Getenv)
	client, err := hub.New(hub.Options{Endpoint: endpoint, Token: token, Version: version, Timeout: hubTime})
	if err != nil {
		return []finding{hubTrouble(name, err)}
	}
	defer client.Close()
	address := client.Endpoint()
	if source != "" {
		address += " (" + source + ")"
	}
	offline := hub.FindOffline(os.Getenv)

	var all []finding
	switch {
	case foundErr != nil:
		all = append(all, finding{ofToken, checkWarning, foundErr.Error(), "make the file readable, or set HF_TOKEN"})
	case token.Value == "":
		all = append(all, finding{ofToken, checkWarning, "none is found, so webhooks are entered by hand", "run `hf auth login`, or set HF_TOKEN"})
	}
	switch {
	case offline != "":
		all = append(all, skippedCheck(name, "%s is not asked: %s is set", address, offline))
		if token.Value != "" {
			all = append(all, skippedCheck(ofToken, "from %s", token.Source))
		}
		return all
	case token.Value == "":
		return append([]finding{lookAtEndpoint(ctx, client.Endpoint(), address)}, all...)
	}

	start := time.Now()
	who, err := client.WhoAmI(ctx)
	took := time.Since(start)
	answers := good(name, "%s answers in %s", address, millis(took))
	if e, ok := errors.AsType[*hub.Error](err); ok {
		if e.Status == http.StatusUnauthorized {
			return []finding{answers, hubTrouble(ofToken, err)}
		}
		return []finding{hubTrouble(name, err), skippedCheck(ofToken, "from %s", token.Source)}
	}
	return []finding{answers, tokenFinding(client.Endpoint(), token, who)}
}

func hubToken() (hub.Token, error) {
	home, _ := os.UserHomeDir()
	return hub.FindToken(os.Getenv, home)
}

func hubTrouble(name string, err error) finding {
	f := finding{name: name, state: checkWarning, detail: err.Error()}
	if e, ok := errors.AsType[*hub.Error](err); ok {
		f.hint = e.Hint
	}
	return f
}

// lookAtEndpoint asks the Hub whose call this is. That it does not know is the
// answer of a Hub.
func lookAtEndpoint(ctx context.Context, endpoint, address string) finding {
	const name = "hub"
	isItOne := "is it a Hub? see HF_ENDPOINT"
	ctx, cancel := context.WithTimeout(ctx, hubTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/api/whoami-v2", nil)
	if err != nil {
		return finding{name, checkWarning, address + " is not a URL", isItOne}
	}
	request.Header.Set("User-Agent", "hfhook/"+version)
	request.Close = true
	start := time.Now()
	answer, err := directly.Do(request)
	if err != nil {
		return finding{name, checkWarning, fmt.Sprintf("%s cannot be reached (%s)", address, requestProblem(err)), networkHint}
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10)
	took := time.Since(start)
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch status := answer.StatusCode; {
	case status >= 500:
		return finding{name, checkWarning, fmt.Sprintf("%s answers %d %s", address, status, http.StatusText(status)), "try again later, and see https://status.huggingface.co"}
	case media == "text/html", status != http.StatusUnauthorized && status != http.StatusOK:
		return finding{name, checkWarning, fmt.Sprintf("%s answers %d %s, as no Hub does", address, status, http.StatusText(status)), isItOne}
	}
	return good(name, "%s answers in %s", address, millis(took))
}

// directly makes requests as a Prober does: through the proxies of the
// environment, and no redirect is followed.
var directly = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// requestProblem says in a few words why there was no answer.
func requestProblem(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return tunnel.DialProblem(err)
}

// tokenFinding tells what a token is good for.
func tokenFinding(endpoint string, token hub.Token, who *hub.Identity) finding {
	f := finding{name: "token", state: checkOK}
	text := []string{fmt.Sprintf("from %s: %s's", token.Source, who.Name)}
	switch {
	case who.Kind != "" && who.TokenName != "":
		text[0] += fmt.Sprintf(" %s token %q", who.Kind, who.TokenName)
	case who.Kind != "":
		text[0] += fmt.Sprintf(" %s token", who.Kind)
	}
	var lacking []string
	for _, right := range []struct {
		words, name string
		has         hub.Right
	}{{"read webhooks", hub.RightRead, who.Read}, {"change webhooks", hub.RightWrite, who.Write}} {
		switch right.has {
		case hub.Granted:
			text = append(text, "may "+right.words)
		case hub.Denied:
			text = append(text, "may not "+right.words)
			lacking = append(lacking, right.name)
		default:
			text = append(text, "whether it may "+right.words+" is not told")
		}
	}
	if len(lacking) > 0 {
		f.state, f.hint = checkWarning, fmt.Sprintf("give it %s at %s/settings/tokens, or use a token with the role write", strings.Join(lacking, " and "), endpoint)
	}
	expires := who.Expires
	if expires.IsZero() {
		expires = token.Expires
	}
	if !expires.IsZero() {
		text = append(text, "expires "+expires.Local().Format("2006-01-02 15:04"))
		if time.Until(expires) < 3*24*time.Hour && !token.Refreshable && f.hint == "" {
			f.state, f.hint = checkWarning, "make a new one in time at "+endpoint+"/settings/tokens"
		}
	}
	f.detail = strings.Join(text, "; ")
	return f
}
