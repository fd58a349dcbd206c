package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// Token is a user's access token, and where it was found.
type Token struct {
	Value Secret

	// Source is the variable or file that holds it. Default in texts: "the token".
	Source string

	// Name is that of the stored token with the same value; may be empty.
	Name string

	// Expires is when a token from the browser login ends; zero when that is
	// not known. Only huggingface_hub can renew it, if Refreshable.
	Expires     time.Time
	Refreshable bool
}

// Expired reports whether the token is known to have ended by now.
func (t Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// FindToken looks for the user's token where huggingface_hub does: in HF_TOKEN,
// in HUGGING_FACE_HUB_TOKEN, then in the token file, which HF_TOKEN_PATH,
// HF_HOME and XDG_CACHE_HOME can move away from the user's folder home. The
// zero Token says that there is none. The error is about a token file that is
// there and cannot be read.
//
// What else stored_tokens knows about the token from the file is told with it.
// Tokens that are only there are not in use. Two places of huggingface_hub are
// left out: Colab's, and the exchange that HF_OIDC_RESOURCE asks for.
// Source: huggingface_hub, constants.py and utils/_auth.py.
func FindToken(getenv func(string) string, home string) (Token, error) {
	// Once one of them is set to anything, the other does not count.
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if value := getenv(name); value != "" {
			if value = cleanToken(value); value != "" {
				return Token{Value: Secret(value), Source: name}, nil
			}
			break
		}
	}
	p := findPlaces(getenv, home)
	text, err := readShort(p.token)
	if errors.Is(err, fs.ErrNotExist) {
		return Token{}, nil
	}
	if err != nil {
		return Token{}, fmt.Errorf("reading the token file: %w", err)
	}
	token := Token{Value: Secret(cleanToken(text)), Source: p.token}
	if token.Value == "" {
		return Token{}, nil
	}
	if text, err := readShort(p.stored); err == nil { // without it the token is as good
		token.describe(text)
	}
	return token, nil
}

func cleanToken(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(s))
}

func readShort(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return string(b), err
}

// describe takes over what the first section of an INI file with this token
// says about it.
func (t *Token) describe(ini string) {
	var name string
	var keys map[string]string
	matches := func() bool {
		if keys == nil || cleanToken(keys["hf_token"]) != string(t.Value) {
			return false
		}
		t.Name = name
		t.Refreshable = keys["refresh_token"] != ""
		if seconds, err := strconv.ParseFloat(keys["expires_at"], 64); err == nil && seconds > 0 && seconds < 1<<40 {
			t.Expires = time.Unix(int64(seconds), 0)
		}
		return true
	}
	for line := range strings.Lines(ini) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && strings.Contains(line, "]"):
			if matches() {
				return
			}
			name, keys = line[1:strings.LastIndexByte(line, ']')], map[string]string{}
		case keys != nil:
			if i := strings.IndexAny(line, "=:"); i > 0 {
				keys[strings.ToLower(strings.TrimSpace(line[:i]))] = strings.TrimSpace(line[i+1:])
			}
		}
	}
	matches()
}

// named is how texts call the token.
func (t Token) named() string {
	if t.Source == "" {
		return "the token"
	}
	return "the token from " + cmp.Or(printable(t.Source), "somewhere")
}
