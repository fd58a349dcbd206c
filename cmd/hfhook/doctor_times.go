package main

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"
)

// way is the way that a delivery came, and how long each step of it took.
type way struct {
	url    *url.URL
	public bool          // the Hub can go it too
	tunnel string        // the provider's name
	proxy  string        // that the sample went through; empty: none
	open   time.Duration // until there was a public URL
	size   int           // of the body

	// From the end of one step to the end of the next. Those of a step that
	// there was not are 0.
	dns, connect, throughProxy, tls, carried, stored, answered time.Duration

	total time.Duration
}

// timings are the moments that something happened for the first time. Its
// methods may be called at the same time.
type timings struct {
	mu sync.Mutex

	dns, connect, tlsStart, tls, arrived, stored time.Time
}

func (t *timings) mark(moment *time.Time, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if moment.IsZero() {
		*moment = at
	}
}

// trace makes t take the times of a request with the context that it gives.
func (t *timings) trace(ctx context.Context) context.Context {
	now := func(moment *time.Time) { t.mark(moment, time.Now()) }
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSDone: func(httptrace.DNSDoneInfo) { now(&t.dns) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				now(&t.connect)
			}
		},
		TLSHandshakeStart: func() { now(&t.tlsStart) },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { now(&t.tls) },
	})
}

// times works out the steps.
func (w *way) times(t *timings, begin, end time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := begin
	step := func(took *time.Duration, until time.Time) {
		if until.After(last) { // no step is shorter than nothing, nor one that there was not
			*took = until.Sub(last)
			last = until
		}
	}
	step(&w.dns, t.dns)
	step(&w.connect, t.connect)
	if w.proxy != "" {
		step(&w.throughProxy, t.tlsStart)
	}
	step(&w.tls, t.tls)
	step(&w.carried, t.arrived)
	step(&w.stored, t.stored)
	step(&w.answered, end)
	w.total = end.Sub(begin)
}

type pathRecord struct {
	recordHead
	URL       string  `json:"url"`
	Public    bool    `json:"public"`
	Tunnel    string  `json:"tunnel"`
	Proxy     string  `json:"proxy,omitempty"`
	Bytes     int     `json:"bytes"`
	OpenMS    float64 `json:"openMs,omitempty"`
	DNSMS     float64 `json:"dnsMs,omitempty"`
	ConnectMS float64 `json:"connectMs"`
	ProxyMS   float64 `json:"proxyMs,omitempty"`
	TLSMS     float64 `json:"tlsMs,omitempty"`
	TunnelMS  float64 `json:"tunnelMs"`
	StoredMS  float64 `json:"storedMs"`
	AnswerMS  float64 `json:"answerMs"`
	TotalMS   float64 `json:"totalMs"`
}

// showWay shows the steps.
func (d *doctor) showWay(ctx context.Context, w *way) {
	if stopped(ctx) {
		return
	}
	if d.c.Bool("json") {
		_ = writeRecord(d.out, pathRecord{
			recordHead: head("path", time.Now()),
			URL:        w.url.String(), Public: w.public, Tunnel: w.tunnel, Proxy: w.proxy, Bytes: w.size, OpenMS: inMillis(w.open),
			DNSMS: inMillis(w.dns), ConnectMS: inMillis(w.connect), ProxyMS: inMillis(w.throughProxy), TLSMS: inMillis(w.tls),
			TunnelMS: inMillis(w.carried), StoredMS: inMillis(w.stored), AnswerMS: inMillis(w.answered), TotalMS: inMillis(w.total),
		})
		return
	}
	carried := "to the receiver"
	if w.public {
		carried = "through " + w.tunnel
		if w.tunnel == "none" {
			carried = "on to the receiver"
		}
	}
	connected := "connected"
	if w.proxy != "" {
		connected = "connected to the proxy"
	}
	for _, step := range []struct {
		name   string
		took   time.Duration
		always bool
	}{
		{"name resolved", w.dns, false}, {connected, w.connect, true}, {"let through by it", w.throughProxy, false}, {"TLS", w.tls, false},
		{carried, w.carried, true}, {"stored (fsync)", w.stored, true}, {"answer back", w.answered, true}, {"total", w.total, true},
	} {
		if step.always || step.took > 0 {
			d.out.line("  %s %s", d.out.dim(pad(step.name, 24)), pad("", 10-len(millis(step.took)))+millis(step.took))
		}
	}
	if w.open > 0 && w.tunnel != "none" {
		d.out.line("  %s", d.out.dim("the tunnel was open after "+millis(w.open)))
	}
}
