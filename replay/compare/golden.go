package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/hfhook/hfhook/replay"
)

// Golden is the answers that are expected, by delivery. Its zero value expects
// none. It may not be used by several goroutines at the same time.
//
// As a file it is JSON for people to read and to review:
//
//	{
//	  "v": 1,
//	  "answers": {
//	    "01K7Z...": {
//	      "delivery": "PR #19 \"Update co2 emissions\" opened on model openai-community/gpt2",
//	      "status": 200,
//	      "headers": {"Content-Type": "application/json"},
//	      "json": {"ok": true}
//	    }
//	  }
//	}
//
// The key is the Webhook-Id, or for a delivery without one its ID. In place of
// json there may be text, as a list of lines, or base64; for a command, exit in
// place of status. Headers that Answers does not compare are left out, and so
// are those that hold a secret, such as Set-Cookie.
type Golden struct {
	answers map[string]expected
}

type expected struct {
	Delivery string              `json:"delivery,omitempty"` // for readers alone
	Status   int                 `json:"status,omitempty"`
	Exit     *int                `json:"exit,omitempty"`
	Headers  map[string]oneOrAll `json:"headers,omitempty"`
	JSON     json.RawMessage     `json:"json,omitempty"`
	Text     []string            `json:"text,omitempty"` // lines
	Base64   []byte              `json:"base64,omitempty"`
	Cut      bool                `json:"cut,omitempty"`
}

const goldenVersion = 1

// file is how a Golden is written.
type file struct {
	V       int                 `json:"v"`
	Answers map[string]expected `json:"answers"`
}

// MaxGolden is how large a file of expected answers may be, in bytes.
const MaxGolden = 256 << 20

// ReadGolden reads what WriteTo wrote, or somebody edited since.
func ReadGolden(r io.Reader) (*Golden, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxGolden+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxGolden {
		return nil, fmt.Errorf("it has more than %d bytes", MaxGolden)
	}
	var f file
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	if d.InputOffset() < int64(len(bytes.TrimRight(text, " \t\r\n"))) {
		return nil, errors.New("it goes on after its JSON object")
	}
	if f.V != goldenVersion {
		return nil, fmt.Errorf("its version is %d, this one knows %d", f.V, goldenVersion)
	}
	return &Golden{answers: f.Answers}, nil
}

// WriteTo writes the answers in the order of their keys.
func (g *Golden) WriteTo(w io.Writer) (int64, error) {
	f := file{V: goldenVersion, Answers: g.answers}
	if f.Answers == nil {
		f.Answers = map[string]expected{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return 0, err
	}
	return b.WriteTo(w)
}

// Len is how many answers there are.
func (g *Golden) Len() int { return len(g.answers) }

// Compare finds what differs between the answer that is expected to d and the
// one that came. ok is false when none is expected.
func (g *Golden) Compare(d *replay.Delivery, came *replay.Attempt, o Options) (difference *Difference, ok bool) {
	want, ok := g.answers[goldenKey(d)]
	if !ok {
		return nil, false
	}
	is := *came
	is.Header = withoutSecrets(came.Header)
	difference = Answers(want.attempt(), &is, o)
	difference.Old = 0
	return difference, true
}

// Expect puts in the answer to d that is expected from now on. One that is no
// answer is an error.
func (g *Golden) Expect(d *replay.Delivery, a *replay.Attempt) error {
	if a.Failure != "" || !answered(a) {
		return fmt.Errorf("delivery %d got no complete answer, so none is expected", d.ID)
	}
	want := expected{Delivery: d.Summary, Status: a.Status, Exit: a.Exit, Cut: a.BodyCut}
	for name, values := range lasting(withoutSecrets(a.Header)) {
		if want.Headers == nil {
			want.Headers = map[string]oneOrAll{}
		}
		for _, v := range values {
			want.Headers[name] = append(want.Headers[name], legible(v))
		}
	}
	switch _, isJSON := decode(a.Body); {
	case len(a.Body) == 0:
	case isJSON:
		want.JSON = a.Body
	case isText(a.Body):
		want.Text = strings.Split(string(a.Body), "\n")
	default:
		want.Base64 = a.Body
	}
	if g.answers == nil {
		g.answers = map[string]expected{}
	}
	g.answers[goldenKey(d)] = want
	return nil
}

func (e expected) attempt() *replay.Attempt {
	a := &replay.Attempt{Status: e.Status, Exit: e.Exit, Header: http.Header{}, BodyCut: e.Cut}
	for name, values := range e.Headers {
		a.Header[http.CanonicalHeaderKey(name)] = values
	}
	switch {
	case e.JSON != nil:
		a.Body = e.JSON
	case e.Base64 != nil:
		a.Body = e.Base64
	case e.Text != nil:
		a.Body = []byte(strings.Join(e.Text, "\n"))
	}
	return a
}

func goldenKey(d *replay.Delivery) string {
	if d.WebhookID != "" {
		return d.WebhookID
	}
	return "#" + strconv.FormatInt(d.ID, 10)
}

// secretHeaders hold what a file that is shared must not.
var secretHeaders = []string{"Authorization", "Authentication-Info", "Set-Cookie", "Www-Authenticate"}

func withoutSecrets(h http.Header) http.Header {
	kept := h.Clone()
	for _, name := range secretHeaders {
		kept.Del(name)
	}
	return kept
}

// oneOrAll is the values of a header: a string, or a list of them.
type oneOrAll []string

func (v oneOrAll) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return encode(v[0]), nil
	}
	return encode([]string(v)), nil
}

func (v *oneOrAll) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*v = oneOrAll{one}
		return nil
	}
	var all []string
	err := json.Unmarshal(text, &all)
	*v = all
	return err
}
