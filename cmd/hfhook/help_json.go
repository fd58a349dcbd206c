package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// recordKind is a type of record, for hfhook help json. Its fields are those of
// the struct; recordFields says what they mean. A test wants each struct with a
// recordHead here, and each field there.
type recordKind struct {
	name  string
	zero  any
	about string
}

var recordKinds = []recordKind{
	{"ready", readyRecord{}, "hfhook dev receives"},
	{"delivery", deliveryRecord{}, "arrived in hfhook dev, or is kept"},
	{"attempt", attemptRecord{}, "a delivery was sent to a target"},
	{"output", outputRecord{}, "a line of a command's output, as it comes"},
	{"tunnel", tunnelRecord{}, "the tunnel changed its state"},
	{"gap", gapRecord{}, "deliveries failed, and arrive again"},
	{"registration", registrationRecord{}, "what hfhook dev did at the Hub"},
	{"shield", shieldRecord{}, "what the Hub counts of a webhook"},
	{"hold", holdRecord{}, "a target takes no connections, or does again"},
	{"warning", warningRecord{}, "something to know"},
	{"stopped", stoppedRecord{}, "hfhook dev ends"},
	{"planned", plannedRecord{}, "what hfhook replay --dry-run would send"},
	{"comparison", comparisonRecord{}, "what an answer of hfhook replay differs in"},
	{"summary", summaryRecord{}, "the last one of hfhook replay and trigger"},
	{"triggered", triggeredRecord{}, "what hfhook trigger sent"},
	{"event", sampleRecord{}, "what hfhook trigger can send; scenarios have the type scenario"},
	{"case", caseRecord{}, "what hfhook check found"},
	{"verdict", verdictRecord{}, "the last one of hfhook check"},
	{"imported", importedRecord{}, "what hfhook import did with a file"},
	{"check", checkRecord{}, "what hfhook doctor found"},
	{"path", pathRecord{}, "the way of the sample delivery of hfhook doctor"},
	{"diagnosis", diagnosisRecord{}, "the last one of hfhook doctor"},
	{"webhook", webhookRecord{}, "a webhook as the Hub has it"},
	{"deleted", deletedRecord{}, "hfhook webhooks delete took it away"},
	{"replayed", replayedRecord{}, "hfhook webhooks replay had the Hub send it"},
}

// recordFields says what fields mean, in one line, by type and name.
var recordFields = map[string]string{
	"ready.url":      "to enter at the Hub",
	"ready.public":   "whether the Hub can reach it",
	"ready.local":    "its URL on this machine",
	"ready.tunnel":   "its name",
	"ready.through":  "who carries the traffic, and where TLS ends",
	"ready.settings": "the Hub's page for webhooks",
	"ready.webhook":  "the id of the one that points here",
	"ready.secret":   "generated, kept, given or none; never what it is",
	"ready.targets":  "where deliveries are sent",
	"ready.store":    "the file",
	"ready.waiting":  "deliveries from before that are still to be sent",

	"ready.routes":        "those with a name or a filter",
	"ready.routes.name":   "of the route",
	"ready.routes.target": "where it leads",
	"ready.routes.if":     "the words of its filter",
	"ready.only":          "the words of --only",

	"delivery.id":              "its number in the store",
	"delivery.webhookId":       "the Webhook-Id",
	"delivery.repeat":          "retry or replay: it came before",
	"delivery.arrivals":        "from inspect: each time that it came",
	"delivery.arrivals.time":   "when",
	"delivery.arrivals.repeat": "retry or replay",
	"delivery.arrivals.remote": "who connected",
	"delivery.arrivals.answer": "the status that it got",
	"delivery.verdict":         "accepted, rejected or undecodable",
	"delivery.reason":          "why it was not accepted",
	"delivery.endpoint":        "the name under /webhooks/, or the path",
	"delivery.method":          "of the request",
	"delivery.path":            "as it came",
	"delivery.query":           "as it came, the secret redacted",
	"delivery.host":            "the Host that it was for",
	"delivery.headers":         "from inspect: lists by name, the secret redacted",
	"delivery.remote":          "who connected",
	"delivery.scope":           "of the event",
	"delivery.action":          "of the event",
	"delivery.repoType":        "model, dataset, space, bucket or another",
	"delivery.repo":            "owner/name",
	"delivery.summary":         "what happened, in words",
	"delivery.problems":        "what is odd about the payload",
	"delivery.size":            "of the body, in bytes",
	"delivery.payload":         "the body, when it is a JSON object",
	"delivery.body":            "the body, when it is none",
	"delivery.queued":          "targets that it waits for",
	"delivery.attempts":        "from inspect: attempt records",

	"attempt.id":          "its number in the store",
	"attempt.delivery":    "the id of what was sent",
	"attempt.target":      "where to",
	"attempt.kind":        "live or replay; imported- in front, of a file",
	"attempt.ok":          "whether it is a complete 2xx, or exit code 0",
	"attempt.status":      "of the answer",
	"attempt.durationMs":  "until the answer was complete",
	"attempt.headers":     "of the answer: lists by name",
	"attempt.text":        "the answer's body, when it is text",
	"attempt.body":        "the answer's body, when it is none",
	"attempt.bodyCut":     "whether there was more of it",
	"attempt.route":       "the name of the route that led there",
	"attempt.sentHeaders": "of an edited one: lists by name",
	"attempt.sentPayload": "its body, when it is a JSON object",
	"attempt.sentBody":    "its body, when it is none",
	"attempt.exit":        "the exit code of a command",
	"attempt.edited":      "whether other bytes were sent than are kept",
	"attempt.failure":     "refused, dns, tls, timeout, broken, ...",
	"attempt.error":       "what went wrong, in words",

	"output.delivery": "the id of what it runs for",
	"output.target":   "the command",
	"output.stream":   "stdout or stderr",
	"output.text":     "the line, harmless, cut after 8 KiB",

	"tunnel.state":   "opening, online, reconnecting or offline",
	"tunnel.url":     "the public URL; another one than before is new",
	"tunnel.code":    "what is wrong, for programs",
	"tunnel.error":   "what is wrong, in words",
	"tunnel.retryMs": "until it is tried again",

	"gap.since":   "when they began to fail",
	"gap.seconds": "until they arrived again",

	"registration.webhook": "its id",
	"registration.state":   "pointed, paused, resumed, deleted, kept, restored",
	"registration.url":     "where it points",
	"registration.text":    "the same in words",

	"shield.webhook":  "its id",
	"shield.received": "in the last 24 hours",
	"shield.limit":    "that the Hub delivers in them",
	"shield.failed":   "answers outside 2xx in them, by status",

	"hold.target":  "its name",
	"hold.since":   "when it began",
	"hold.waiting": "deliveries that wait for it",
	"hold.reason":  "why",
	"hold.over":    "whether it takes them again",

	"warning.message": "in words",
	"warning.hint":    "what to do about it",

	"stopped.arrivals": "of deliveries, with repeats",
	"stopped.accepted": "arrivals that were",
	"stopped.rejected": "arrivals that were, or were undecodable",
	"stopped.attempts": "to send deliveries to targets",
	"stopped.failed":   "attempts outside 2xx",
	"stopped.waiting":  "deliveries that are still to be sent",
	"stopped.reason":   "why it ends",

	"stopped.hidden":           "arrivals that --only did not show",
	"stopped.goal":             "of --exit-after and --wait-for: reached or missed",
	"stopped.failedDeliveries": "that failed at a handler, the first 1,000",

	"planned.delivery":  "its id",
	"planned.webhookId": "the Webhook-Id",
	"planned.targets":   "where it would be sent",
	"planned.reason":    "why it would not be sent",
	"planned.summary":   "what happened, in words",
	"planned.size":      "of what is kept, in bytes",
	"planned.edited":    "whether something else would be sent",

	"comparison.delivery":        "the id of what was sent",
	"comparison.attempt":         "the id of the new answer's",
	"comparison.target":          "that gave the new answer",
	"comparison.with":            "attempt, target or golden",
	"comparison.other":           "the id of the old answer's attempt",
	"comparison.otherTarget":     "that gave the old answer",
	"comparison.file":            "with the expected answer",
	"comparison.same":            "whether nothing differs",
	"comparison.changes":         "what differs",
	"comparison.changes.path":    "where",
	"comparison.changes.change":  "added, removed or changed",
	"comparison.changes.old":     "as JSON",
	"comparison.changes.new":     "as JSON",
	"comparison.more":            "changes beyond the 1,000 that are listed",
	"comparison.partial":         "whether only the beginning was compared",
	"comparison.durationMs":      "of the new answer",
	"comparison.otherDurationMs": "of the old answer",
	"comparison.reason":          "why there was nothing to compare with",

	"summary.sent":     "attempts",
	"summary.ok":       "complete 2xx, or exit code 0",
	"summary.failed":   "all others",
	"summary.notSent":  "as far as is known",
	"summary.seconds":  "that it took",
	"summary.byStatus": "how many, by status, exit code or failure",
	"summary.p50Ms":    "half of the answers came within",
	"summary.p95Ms":    "95 of 100 answers came within",
	"summary.p99Ms":    "99 of 100 answers came within",
	"summary.maxMs":    "all answers came within",
	"summary.failures": "ids of deliveries, the first 10,000",

	"triggered.n":          "counted from 1",
	"triggered.event":      "its name",
	"triggered.scenario":   "that it is a step of",
	"triggered.retry":      "whether it repeats an earlier step",
	"triggered.seed":       "that makes the same bytes again",
	"triggered.webhookId":  "the Webhook-Id",
	"triggered.repoType":   "model, dataset, space, bucket, kernel",
	"triggered.repo":       "owner/name",
	"triggered.summary":    "what happened, in words",
	"triggered.size":       "of the body, in bytes",
	"triggered.target":     "where it was sent",
	"triggered.ok":         "whether it is a complete 2xx, or exit code 0",
	"triggered.status":     "of the answer",
	"triggered.exit":       "the exit code of a command",
	"triggered.durationMs": "until the answer was complete",
	"triggered.text":       "the answer's body, when it is text",
	"triggered.body":       "the answer's body, when it is none",
	"triggered.bodyCut":    "whether there was more of it",
	"triggered.failure":    "refused, dns, tls, timeout, broken, ...",
	"triggered.error":      "what went wrong, in words",

	"event.name":   "to type",
	"event.about":  "what it is for",
	"event.types":  "of repos that have it",
	"event.scope":  "of the event",
	"event.action": "of the event",

	"case.name":       "what was tried",
	"case.about":      "the same in words",
	"case.want":       "what a good handler does",
	"case.came":       "what it did",
	"case.verdict":    "pass, fail, warn or skipped",
	"case.why":        "what the verdict rests on",
	"case.requests":   "that were sent",
	"case.durationMs": "that it took",
	"case.slowestMs":  "the longest that an answer took",

	"verdict.url":           "of the handler",
	"verdict.ok":            "whether no case failed",
	"verdict.passed":        "cases",
	"verdict.failed":        "cases",
	"verdict.warnings":      "cases",
	"verdict.skipped":       "cases",
	"verdict.requests":      "that were sent",
	"verdict.idempotent":    "yes, no or unknown",
	"verdict.idempotentWhy": "what that rests on",
	"verdict.slowestMs":     "the longest that an answer took",
	"verdict.slowestCase":   "where it did",
	"verdict.patienceMs":    "that an answer had",
	"verdict.reason":        "why not everything was checked",

	"imported.file":   "its name",
	"imported.added":  "deliveries that are new",
	"imported.known":  "deliveries that were there already",
	"imported.from":   "the first id",
	"imported.to":     "the last id",
	"imported.dryRun": "whether nothing was kept",

	"check.name":   "of what was looked at; may come several times",
	"check.state":  "ok, warning, failed or skipped",
	"check.detail": "what was found",
	"check.hint":   "what to do about it",

	"path.url":       "that it was posted to",
	"path.public":    "whether the Hub can reach it",
	"path.tunnel":    "its name",
	"path.proxy":     "that it went through",
	"path.bytes":     "of the delivery's body",
	"path.openMs":    "until there was a public URL",
	"path.dnsMs":     "looking up the name",
	"path.connectMs": "connecting",
	"path.proxyMs":   "asking the proxy",
	"path.tlsMs":     "agreeing on TLS",
	"path.tunnelMs":  "sent until it arrived here",
	"path.storedMs":  "arrived until it was on disk",
	"path.answerMs":  "from there until the answer was back",
	"path.totalMs":   "all of it, but for openMs",

	"diagnosis.ok":       "whether hfhook dev has what it needs",
	"diagnosis.failed":   "checks that hfhook dev needs",
	"diagnosis.warnings": "checks that it does without",
	"diagnosis.reason":   "why not everything was checked",

	"webhook.id":                 "its id at the Hub",
	"webhook.state":              "enabled, disabled, suspended-after-failure, ...",
	"webhook.url":                "where it delivers, without its secret",
	"webhook.job":                "that it starts instead",
	"webhook.job.space":          "whose image it runs",
	"webhook.job.image":          "that it runs",
	"webhook.job.command":        "its words",
	"webhook.job.arguments":      "of the command",
	"webhook.job.flavor":         "the hardware",
	"webhook.job.timeoutSeconds": "how long it may run",
	"webhook.job.environment":    "names of variables",
	"webhook.job.secrets":        "names of variables",
	"webhook.jobId":              "of the Job that it was copied from",
	"webhook.watched":            "what it is about",
	"webhook.watched.type":       "model, dataset, space, bucket, kernel, user, org",
	"webhook.watched.name":       "owner/name, or a user or org",
	"webhook.domains":            "repo, discussion",
	"webhook.hasSecret":          "whether the Hub sends one",
	"webhook.secretFrom":         "where one that was sent just now is from",
	"webhook.lastTriggerAt":      "when it fired last",
	"webhook.settings":           "its page at the Hub",
	"webhook.activity":           "its page at the Hub with what it delivered",

	"deleted.id": "of the webhook",

	"replayed.id":     "of the webhook",
	"replayed.logId":  "of the delivery, on the Activity page",
	"replayed.status": "that the target answered",
	"replayed.ok":     "whether it is 2xx",
}

func jsonHelp() string {
	var b strings.Builder
	b.WriteString(`With --json, stdout has one JSON object per line and nothing else. Each has

  v                 number   1; it stays, fields are only added
  type              string   the word in front of each list here
  time              time     RFC 3339, UTC

A field with a question mark may be missing. bytes are in base64.
`)
	for _, kind := range recordKinds {
		fmt.Fprintf(&b, "\n%s: %s\n", kind.name, kind.about)
		eachField(kind.name, reflect.TypeOf(kind.zero), func(path string, depth int, f recordField) {
			fmt.Fprintf(&b, "%*s%-*s %-8s %s\n", 2*depth, "", 19-2*depth, f.name, f.kind, recordFields[path])
		})
	}
	return b.String()
}

// recordField is a field as it is in JSON.
type recordField struct {
	name string // with a question mark when it may be missing
	kind string
}

// eachField visits the fields of a record, and behind each those of what it is
// made of. path is the key in recordFields.
func eachField(before string, record reflect.Type, f func(path string, depth int, field recordField)) {
	for i := range record.NumField() {
		field := record.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous || name == "" || name == "-" {
			continue
		}
		path, kind, inner := before+"."+name, "", reflect.Type(nil)
		kind, inner = jsonKind(field.Type)
		if strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero") {
			name += "?"
		}
		f(path, strings.Count(path, "."), recordField{name, kind})
		if inner != nil {
			eachField(path, inner, f)
		}
	}
}

// jsonKind says what a type is in JSON, and gives the struct whose fields are
// still to be told. A record is told at its own place.
func jsonKind(t reflect.Type) (kind string, inner reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time", nil
	case t == reflect.TypeFor[json.RawMessage]():
		return "object", nil
	case t == reflect.TypeFor[[]byte]():
		return "bytes", nil
	}
	switch t.Kind() {
	case reflect.String:
		return "string", nil
	case reflect.Bool:
		return "boolean", nil
	case reflect.Map:
		return "object", nil
	case reflect.Slice, reflect.Array:
		_, inner := jsonKind(t.Elem())
		return "array", inner
	case reflect.Struct:
		if _, own := t.FieldByName("recordHead"); own {
			return "object", nil
		}
		return "object", t
	}
	return "number", nil
}
