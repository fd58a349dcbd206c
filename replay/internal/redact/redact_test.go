package redact

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func each(format, text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	require.NoError(t, err)
	return string(b[1 : len(b)-1])
}

// forms are ways in which a handler may repeat what it was sent.
func forms(t *testing.T, secret string) map[string]string {
	t.Helper()
	all := map[string]string{
		"as it is":          secret,
		"query":             url.QueryEscape(secret),
		"path":              url.PathEscape(secret),
		"lower case":        strings.ToLower(each("%%%02x", secret)),
		"every character":   each("%%%02X", secret),
		"twice in a URL":    url.QueryEscape(url.QueryEscape(secret)),
		"JSON":              quoted(t, secret),
		"JSON in JSON":      quoted(t, quoted(t, secret)),
		"JSON of PHP":       strings.ReplaceAll(quoted(t, secret), "/", `\/`),
		"JSON, wholly":      each(`\u%04x`, secret),
		"JSON in a URL":     url.QueryEscape(quoted(t, secret)),
		"a URL in JSON":     quoted(t, url.QueryEscape(secret)),
		"HTML":              html.EscapeString(secret),
		"HTML, wholly":      each("&#x%02x;", secret),
		"HTML of Python":    strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;").Replace(secret),
		"HTML of PHP":       strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#039;").Replace(secret),
		"HTML in JSON":      quoted(t, html.EscapeString(secret)),
		"Go":                fmt.Sprintf("%q", secret),
		"Go, bytes":         fmt.Sprint([]byte(secret)),
		"Go, program":       fmt.Sprintf("%#v", []byte(secret)),
		"Python, bytes":     each(`\x%02x`, secret),
		"JavaScript, bytes": strings.ReplaceAll(fmt.Sprint([]byte(secret)), " ", ","),
		"a shell":           each(`\%03o`, secret),
		"hexadecimal":       hex.EncodeToString([]byte(secret)),
		"HEXADECIMAL":       strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"hex dump":          fmt.Sprintf("% x", secret),
	}
	for before := range 3 {
		for after := range 3 {
			text := strings.Repeat("u", before) + secret + strings.Repeat("z", after)
			for name, encoding := range map[string]*base64.Encoding{"": base64.StdEncoding, " of URLs": base64.URLEncoding, ", raw": base64.RawStdEncoding} {
				encoded := encoding.EncodeToString([]byte(text))
				all[fmt.Sprintf("base64%s between %d and %d", name, before, after)] = encoded
				all[fmt.Sprintf("base64%s between %d and %d, escaped", name, before, after)] = url.QueryEscape(encoded)
			}
		}
	}
	return all
}

func TestSecretsAreFoundInEveryForm(t *testing.T) {
	for _, secret := range []string{rand.Text(), `+/=&"<'>\ %` + rand.Text(), rand.Text()[:8] + ` é "\` + rand.Text()[:8]} {
		s := New(secret, "other "+rand.Text())
		for name, form := range forms(t, secret) {
			if strings.Contains(secret, "é") && strings.ContainsAny(name, ",") && strings.HasPrefix(name, "JSON") || strings.Contains(secret, "é") && strings.HasPrefix(name, "HTML, ") {
				continue // not what these write for what is no ASCII
			}
			// What stands around it may be the beginning of an escape.
			for _, around := range [][2]string{{"", ""}, {"x", "y"}, {`\`, `\`}, {"%", "%"}, {"&", ";"}, {secret[:3], secret[:3]}} {
				text := around[0] + form + around[1]
				got := s.Replace(text)
				rest := strings.Replace(got, Mark, "", 1)
				assert.NotEqual(t, text, got, "%s: %q", name, text)
				// Base64 mixes the first and last bits with what is around, and has padding.
				assert.LessOrEqual(t, len(rest), len(around[0])+len(around[1])+16, "%s: %q", name, got)
			}
		}
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	s := New(rand.Text(), "short")
	for _, text := range []string{
		"", "plain", `{"a":"\u0041\"\\","b":"%41%"}`, "&amp;&#65;&#xzz;&#;&", "%", `\`, "&", "+", "%%%%", `\\\\\\`, "&&&&;;;;", "c2hvcn",
	} {
		assert.Equal(t, text, s.Replace(text))
		assert.Equal(t, text, (*Secrets)(nil).Replace(text))
	}
	assert.Nil(t, New("", ""))
}

func TestASecretThatIsCut(t *testing.T) {
	secret := rand.Text()
	s := New(secret)
	for n := minCut; n < len(secret); n++ {
		assert.Equal(t, "it is "+Mark, s.ReplaceCut("it is "+secret[:n]))
	}
	assert.Equal(t, "whole", s.ReplaceCut("whole"))
	assert.Equal(t, "whole", (*Secrets)(nil).ReplaceCut("whole"))
}

// What is found at a place does not depend on what stands before it, nor on what
// is further away than Longest.
func FuzzFind(f *testing.F) {
	f.Add([]byte(`a%2541\\u0041&amp;#65;`), `A"b`)
	f.Add([]byte("%25%32%35%34%31"), "A")
	f.Fuzz(func(t *testing.T, text []byte, secret string) {
		s := New(secret)
		for at, size := range s.Find(text) {
			assert.LessOrEqual(t, size, s.Longest())
			for again, n := range s.Find(text[at:min(len(text), at+s.Longest())]) {
				assert.Equal(t, 0, again)
				assert.Equal(t, size, n)
				break
			}
		}
		left := s.Replace(string(text))
		for part := range strings.SplitSeq(left, Mark) {
			assert.False(t, secret != "" && strings.Contains(part, secret))
		}
	})
}

func BenchmarkReplace(b *testing.B) {
	secret := `+/=&"<` + rand.Text()
	s := New(secret)
	for name, text := range map[string]string{
		"header":  "Tue, 24 Nov 2026 19:46:57 GMT",
		"JSON":    strings.Repeat(`{"text":"a line\nand \"another\""}`, 8<<10),
		"secrets": strings.Repeat(secret, 8<<10),
		"worst":   strings.Repeat(`%&\+`, 64<<10),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				s.Replace(text)
			}
		})
	}
}
