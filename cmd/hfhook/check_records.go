package main

import (
	"time"

	"github.com/hfhook/hfhook/receiver/check"
)

type caseRecord struct {
	recordHead
	Name       string        `json:"name"`
	About      string        `json:"about"`
	Want       string        `json:"want"`
	Came       string        `json:"came,omitempty"`
	Verdict    check.Verdict `json:"verdict,omitempty"` // not in a list of cases
	Why        string        `json:"why,omitempty"`
	Requests   int           `json:"requests"`
	DurationMS float64       `json:"durationMs,omitempty"`
	SlowestMS  float64       `json:"slowestMs,omitempty"`
}

type verdictRecord struct {
	recordHead
	URL           string         `json:"url"`
	OK            bool           `json:"ok"`
	Passed        int            `json:"passed"`
	Failed        int            `json:"failed"`
	Warnings      int            `json:"warnings"`
	Skipped       int            `json:"skipped"`
	Requests      int            `json:"requests"`
	Idempotent    check.Tristate `json:"idempotent"`
	IdempotentWhy string         `json:"idempotentWhy"`
	SlowestMS     float64        `json:"slowestMs,omitempty"`
	SlowestCase   string         `json:"slowestCase,omitempty"`
	PatienceMS    float64        `json:"patienceMs"`
	Reason        string         `json:"reason,omitempty"` // why not everything was checked
}

func recordCase(r check.Result) caseRecord {
	return caseRecord{
		head("case", time.Now()), r.Name, r.About, r.Want, r.Came, r.Verdict, r.Why,
		r.Requests, inMillis(r.Duration), inMillis(r.Slowest),
	}
}

func recordVerdict(r *check.Report) verdictRecord {
	return verdictRecord{
		recordHead: head("verdict", time.Now()),
		URL:        r.URL, OK: r.OK(),
		Passed: r.Count(check.Pass), Failed: r.Count(check.Fail), Warnings: r.Count(check.Warn), Skipped: r.Count(check.Skipped),
		Requests: r.Requests, Idempotent: r.Idempotent, IdempotentWhy: r.IdempotentWhy,
		SlowestMS: inMillis(r.Slowest), SlowestCase: r.SlowestCase, PatienceMS: inMillis(r.Patience), Reason: r.Stopped,
	}
}
