package command

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/replay"
)

// passed are the variables that a program gets from this process. Those with a
// star stand for all that begin so.
var passed = map[bool][]string{
	false: {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR"},
	true: {
		"SystemRoot", "SystemDrive", "windir", "ComSpec", "PATH", "PATHEXT", "TEMP", "TMP", "OS",
		"USERPROFILE", "HOMEDRIVE", "HOMEPATH", "USERNAME", "APPDATA", "LOCALAPPDATA", "PUBLIC",
		"ProgramData", "ProgramFiles", "ProgramFiles(x86)", "ProgramW6432",
		"CommonProgramFiles", "CommonProgramFiles(x86)", "CommonProgramW6432",
		"NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
	},
}[onWindows]

const onWindows = runtime.GOOS == "windows"

// ours are the variables that tell a program of its delivery.
var ours = []string{
	"WEBHOOK_PAYLOAD", "WEBHOOK_PAYLOAD_FILE", "WEBHOOK_REPO_ID", "WEBHOOK_REPO_TYPE", "WEBHOOK_SECRET", "WEBHOOK_ID",
}

// environFor is what all runs have in common.
func environFor(o Options) ([]string, error) {
	names := slices.Clone(passed)
	var set []string
	for _, entry := range o.Env {
		name, _, isSet := strings.Cut(entry, "=")
		switch {
		case name == "" || strings.Contains(name, "*") || strings.ContainsRune(entry, 0):
			return nil, fmt.Errorf("%q is no variable", name)
		case matches(name, ours):
			return nil, fmt.Errorf("the variable %s is set for each delivery", name)
		case isSet:
			set = append(set, entry)
		default:
			names = append(names, name)
		}
	}
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return !matches(name, names)
	})
	env = append(env, set...) // the last one counts
	if o.Secret != "" {
		if strings.ContainsRune(o.Secret, 0) {
			return nil, errors.New("the secret has a NUL in it")
		}
		env = append(env, "WEBHOOK_SECRET="+o.Secret)
	}
	return env, nil
}

// matches takes upper and lower case for the same on Windows, as it does.
func matches(name string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		if start, ok := strings.CutSuffix(n, "*"); ok {
			return strings.HasPrefix(name, start)
		}
		return n == name || onWindows && strings.EqualFold(n, name)
	})
}

// deliveryEnviron tells a program of a delivery, all but its payload. It goes by
// what is sent, which may have been edited.
func deliveryEnviron(d *replay.Delivery, file string) []string {
	env := []string{"WEBHOOK_PAYLOAD_FILE=" + file}
	add := func(name, value string) {
		if entry := name + "=" + value; value != "" && fits(entry) {
			env = append(env, entry)
		}
	}
	if p, err := payload.Decode(d.Body); err == nil {
		add("WEBHOOK_REPO_ID", p.Repo.Name)
		add("WEBHOOK_REPO_TYPE", string(p.Repo.Type))
	}
	add("WEBHOOK_ID", d.Header.Get(replay.HeaderWebhookID))
	return env
}

// The longest NAME=VALUE, with the NUL behind it: MAX_ARG_STRLEN of Linux in
// bytes, which other Unixes get too so that a program behaves the same there,
// and what Windows takes in UTF-16.
const (
	maxEntry        = 128 << 10
	maxEntryWindows = 32767
)

// fits reports whether the system takes an environment entry as it is.
func fits(entry string) bool {
	switch {
	case strings.ContainsRune(entry, 0):
		return false
	case onWindows:
		return utf8.ValidString(entry) && len(utf16.Encode([]rune(entry))) < maxEntryWindows
	}
	return len(entry) < maxEntry
}
