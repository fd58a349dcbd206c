package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hfhook/hfhook/payload"
)

// checkState is how a check of hfhook doctor ended.
type checkState string

const (
	checkOK      checkState = "ok"
	checkWarning checkState = "warning" // hfhook dev does without it
	checkFailed  checkState = "failed"
	checkSkipped checkState = "skipped" // could not be done
)

// finding is what a check found.
type finding struct {
	name   string
	state  checkState
	detail string
	hint   string // what to do about it; may be empty
}

func good(name, format string, args ...any) finding {
	return finding{name, checkOK, fmt.Sprintf(format, args...), ""}
}

func skippedCheck(name, format string, args ...any) finding {
	return finding{name, checkSkipped, fmt.Sprintf(format, args...), ""}
}

// troubleOf is a finding about an error.
func troubleOf(name string, state checkState, err error) finding {
	_, hint := explain(err)
	return finding{name, state, err.Error(), hint}
}

type checkRecord struct {
	recordHead
	Name   string     `json:"name"`
	State  checkState `json:"state"`
	Detail string     `json:"detail"`
	Hint   string     `json:"hint,omitempty"`
}

type diagnosisRecord struct {
	recordHead
	OK       bool   `json:"ok"` // whether hfhook dev has what it needs
	Failed   int    `json:"failed"`
	Warnings int    `json:"warnings"`
	Reason   string `json:"reason,omitempty"` // why not everything was checked
}

// say tells a finding.
func (d *doctor) say(ctx context.Context, f finding) {
	if stopped(ctx) {
		return
	}
	mark := d.out.dim("-")
	switch f.state {
	case checkOK:
		mark = d.out.good("✓")
	case checkWarning:
		d.warnings++
		mark = d.out.warn("!")
	case checkFailed:
		d.failed++
		mark = d.out.bad("✗")
	}
	if d.c.Bool("json") {
		_ = writeRecord(d.out, checkRecord{head("check", time.Now()), f.name, f.state, f.detail, f.hint})
		return
	}
	d.out.line("%s %s %s", mark, d.out.bold(pad(f.name, 17)), payload.Printable(f.detail))
	if f.hint != "" {
		d.out.line("hint: %s", payload.Printable(f.hint))
	}
}

// diagnose ends the report.
func (d *doctor) diagnose(ctx context.Context) {
	ok := d.failed == 0 && !stopped(ctx)
	if d.c.Bool("json") {
		r := diagnosisRecord{recordHead: head("diagnosis", time.Now()), OK: ok, Failed: d.failed, Warnings: d.warnings}
		if stopped(ctx) {
			r.Reason = reason(ctx)
		}
		_ = writeRecord(d.out, r)
		return
	}
	if !ok {
		return // the error says it
	}
	text := "hfhook dev has what it needs"
	if d.warnings > 0 {
		text += fmt.Sprintf("; %d %s", d.warnings, plural(d.warnings, "warning", "warnings"))
	}
	d.out.line("\n%s.", text)
}
