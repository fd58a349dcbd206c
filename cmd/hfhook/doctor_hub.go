package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/registration"
)

// hubTime bounds each of the two questions to the Hub.
const hubTime = 6 * time.Second

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
	var ofIt []finding
	switch {
	case foundErr != nil:
		ofIt = []finding{{ofToken, checkWarning, foundErr.Error(), tokenFileHint}}
	case token.Value == "":
		ofIt = []finding{{ofToken, checkWarning, "none is found, so webhooks are entered by hand", "run `hf auth login`, or set HF_TOKEN"}}
	default:
		ofIt = []finding{skippedCheck(ofToken, "from %s", token.Source)}
	}
	if offline := hub.FindOffline(os.Getenv); offline != "" {
		return append([]finding{skippedCheck(name, "%s is not asked: %s is set", address, offline)}, ofIt...)
	}
	start := time.Now()
	if err := client.Ping(ctx); err != nil {
		return append([]finding{hubTrouble(name, err)}, ofIt...)
	}
	answers := good(name, "%s answers in %s", address, millis(time.Since(start)))
	if token.Value != "" {
		who, err := client.WhoAmI(ctx)
		if err != nil {
			return []finding{answers, hubTrouble(ofToken, err)}
		}
		ofIt = append([]finding{tokenFinding(client.Endpoint(), token, who)}, repaired(ctx, client)...)
	}
	return append([]finding{answers}, ofIt...)
}

// repaired undoes what sessions left at the Hub that were killed, as every
// command does that talks to it.
func repaired(ctx context.Context, client *hub.Client) (all []finding) {
	registry, err := newRegistry(client)
	if err != nil {
		return nil // the store says it
	}
	for _, o := range registry.Repair(ctx) {
		f := finding{"webhook", checkOK, "an earlier session did not end in order: " + o.Text, o.Hint}
		if o.Kind == registration.Failed || o.Kind == registration.Skipped {
			f.state, f.detail = checkWarning, o.Text
		}
		all = append(all, f)
	}
	return all
}

func hubTrouble(name string, err error) finding {
	f := finding{name: name, state: checkWarning, detail: err.Error(), hint: "see HF_ENDPOINT"}
	if e, ok := errors.AsType[*hub.Error](err); ok && e.Hint != "" {
		f.hint = e.Hint
	}
	return f
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
		has         hub.Grant
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
