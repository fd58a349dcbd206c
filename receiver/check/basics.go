package check

import (
	"fmt"
	"net/http"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// The first delivery decides whether a handler can be checked at all. It is an
// ordinary one, and the basic cases look at what came. The first of them that
// fails is the reason.

var basics = []Case{
	{Name: "time", About: "an ordinary delivery", Want: "an answer in time", Requests: 1, Basic: true,
		why: "the Hub gives up on slow handlers: answer first, work afterwards"},
	{Name: "answer", About: "an ordinary delivery", Want: "a complete HTTP answer", Basic: true,
		why: "to the Hub, no answer and half an answer are a failed delivery"},
	{Name: "redirect", About: "an ordinary delivery", Want: "no redirect", Basic: true,
		why: "to the Hub, a 3xx is a failed delivery: give it the URL that this one leads to"},
	{Name: "secret", About: "an ordinary delivery", Want: "the secret is let in", Basic: true,
		why: "the Hub sends the secret itself, in X-Webhook-Secret; it signs nothing, so there is no HMAC to compare with"},
	{Name: "delivery", About: "an ordinary delivery", Want: taken, Basic: true,
		why: "to the Hub, every answer outside 2xx is a failed delivery: it is sent again, and a webhook that keeps failing is suspended"},
}

// judgeFirst gives the outcome of each basic case.
func (r *run) judgeFirst(a *replay.Attempt) map[string]outcome {
	bad, o := r.blame(a)
	all := map[string]outcome{}
	for _, c := range basics {
		switch {
		case all[bad].verdict == Fail: // an earlier one is the reason
			all[c.Name] = outcome{Skipped, "", bad + " failed"}
		case c.Name == bad:
			all[c.Name] = o
		case c.Name == "time":
			all[c.Name] = outcome{Pass, "an answer in " + durationText(a.Duration), ""}
		case c.Name == "redirect":
			all[c.Name] = outcome{Pass, "none", ""}
		case c.Name == "secret" && r.o.Secret == "":
			all[c.Name] = outcome{Skipped, "", noSecretKnown}
		case c.Name == "secret" && !a.OK():
			all[c.Name] = outcome{Skipped, "", statusText(a.Status) + " does not tell"}
		case c.Name == "secret":
			all[c.Name] = outcome{Pass, "it is", ""}
		default:
			all[c.Name] = outcome{Pass, statusText(a.Status), ""}
		}
	}
	return all
}

const noSecretKnown = "no secret is known, so none was sent"

// blame gives the basic case that a first answer is bad for; "" for none.
func (r *run) blame(a *replay.Attempt) (string, outcome) {
	o := outcome{Fail, r.came(a), ""}
	switch {
	case a.Failure == replay.FailTimeout && a.Status == 0:
		return "time", o
	case a.Failure != "":
		return "answer", o
	case a.Status >= 300 && a.Status < 400:
		if to := a.Header.Get("Location"); to != "" {
			o.came = shorten(payload.Printable(statusText(a.Status) + " to " + to))
		}
		return "redirect", o
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		if r.o.Secret == "" {
			o.why = "no secret is known, so none was sent: say which one the handler wants"
		}
		return "secret", o
	case a.Status == http.StatusNotFound:
		o.why = "requests go to the URL as it stands: is its path the handler's?"
		return "delivery", o
	case !a.OK():
		return "delivery", o
	case a.BodyCut:
		return "answer", outcome{Warn, fmt.Sprintf("more than %d KB, and no end of it", replay.MaxAnswer>>10),
			"the Hub has no use for it that is known, and may not wait for its end"}
	}
	return "", o
}
