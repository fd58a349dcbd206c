// Package replaytest replays captured deliveries in tests. A file that hfhook
// export wrote, or a payload saved from the Hub, goes into a handler in one
// line:
//
//	replaytest.File(t, handler, "testdata/deliveries.ndjson")
//
// and its answers are compared with those that are expected:
//
//	replaytest.Golden(t, handler, "testdata/deliveries.ndjson", replaytest.Ignore("**.updated_at"))
package replaytest

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/archive"
	"github.com/hfhook/hfhook/replay/compare"
)

// Option says how deliveries are sent and compared.
type Option func(*options)

type options struct {
	http   replay.HTTPOptions
	ignore []string
}

// Secret is put in where the one of a delivery was taken out. Default: none.
func Secret(secret string) Option { return func(o *options) { o.http.Secret = secret } }

// Ignore leaves paths out of a comparison, as compare.ParseIgnore reads them.
func Ignore(paths ...string) Option {
	return func(o *options) { o.ignore = append(o.ignore, paths...) }
}

// Deliveries reads a file of any format that archive.Read knows. They are
// numbered from 1 in its order.
func Deliveries(t testing.TB, file string) []*replay.Delivery {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []*replay.Delivery
	for d, err := range archive.Read(f) {
		if err != nil {
			t.Fatalf("%s, %v", file, err)
		}
		d.ID = int64(len(all) + 1)
		all = append(all, d)
	}
	if len(all) == 0 {
		t.Fatalf("%s holds no delivery", file)
	}
	return all
}

// Send sends deliveries to a handler one after the other, over a socket and as
// hfhook replay does, and gives what came back.
func Send(t testing.TB, h http.Handler, deliveries []*replay.Delivery, opts ...Option) []*replay.Attempt {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	target, err := replay.NewHTTPTarget(server.URL, o.http)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	var attempts []*replay.Attempt
	for _, d := range deliveries {
		a := target.Send(t.Context(), d)
		a.DeliveryID = d.ID
		attempts = append(attempts, a)
	}
	return attempts
}

// File sends what a file holds to a handler. An answer outside 2xx fails the
// test.
func File(t testing.TB, h http.Handler, file string, opts ...Option) []*replay.Attempt {
	t.Helper()
	deliveries := Deliveries(t, file)
	attempts := Send(t, h, deliveries, opts...)
	for i, a := range attempts {
		if !a.OK() {
			t.Errorf("%s, delivery %d (%s): status %d %s\n%s", file, i+1, deliveries[i].Summary, a.Status, a.Error, a.Body)
		}
	}
	return attempts
}

// UpdateVariable is the environment variable that has Golden write what is
// expected from now on, when it is set to anything.
const UpdateVariable = "HFHOOK_UPDATE_GOLDEN"

// Golden sends what a file holds to a handler, and fails the test when an
// answer is not the one that is expected. Those are beside the file, under its
// name with ".golden.json" behind it; HFHOOK_UPDATE_GOLDEN=1 writes them. What
// compare.Answers compares counts: the status, headers that matter, the body by
// its structure.
func Golden(t testing.TB, h http.Handler, file string, opts ...Option) {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	ignore, err := compare.ParseIgnore(o.ignore...)
	if err != nil {
		t.Fatal(err)
	}
	deliveries := Deliveries(t, file)
	attempts := Send(t, h, deliveries, opts...)
	name := file + ".golden.json"
	if os.Getenv(UpdateVariable) != "" {
		update(t, name, deliveries, attempts)
		return
	}
	text, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.Fatalf("there is no %s; %s=1 writes it", name, UpdateVariable)
	case err != nil:
		t.Fatal(err)
	}
	golden, err := compare.ReadGolden(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for i, a := range attempts {
		difference, ok := golden.Compare(deliveries[i], a, compare.Options{Ignore: ignore})
		if !ok {
			t.Errorf("%s expects no answer to delivery %d (%s); %s=1 writes it", name, i+1, deliveries[i].Summary, UpdateVariable)
			continue
		}
		for _, change := range difference.Changes {
			t.Errorf("delivery %d (%s): %s %s: want %s, got %s", i+1, deliveries[i].Summary, change.Path, change.Kind, change.Old, change.New)
		}
	}
}

func update(t testing.TB, name string, deliveries []*replay.Delivery, attempts []*replay.Attempt) {
	t.Helper()
	var golden compare.Golden
	for i, a := range attempts {
		if err := golden.Expect(deliveries[i], a); err != nil {
			t.Fatalf("delivery %d: %v", i+1, err)
		}
	}
	var text bytes.Buffer
	_, err := golden.WriteTo(&text)
	if err == nil {
		err = os.WriteFile(name, text.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
