package hub

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// DefaultEndpoint is the public Hub.
const DefaultEndpoint = "https://huggingface.co"

const stagingEndpoint = "https://hub-ci.huggingface.co"

// FindEndpoint gives the Hub's base URL as the environment names it, without a
// slash at its end, and the variable that does. The latter is empty for
// DefaultEndpoint. Source: huggingface_hub, constants.py.
func FindEndpoint(getenv func(string) string) (endpoint, source string) {
	if isTrue(getenv("HUGGINGFACE_CO_STAGING")) {
		return stagingEndpoint, "HUGGINGFACE_CO_STAGING"
	}
	if endpoint := strings.TrimRight(strings.TrimSpace(getenv("HF_ENDPOINT")), "/"); endpoint != "" {
		return endpoint, "HF_ENDPOINT"
	}
	return DefaultEndpoint, ""
}

// FindOffline gives the variable that forbids traffic to the Hub; empty when
// none does. Source: huggingface_hub, constants.py.
func FindOffline(getenv func(string) string) (source string) {
	// The second counts only where the first is not set at all.
	for _, name := range []string{"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"} {
		if value := getenv(name); value != "" {
			if isTrue(value) {
				return name
			}
			break
		}
	}
	return ""
}

func isTrue(value string) bool {
	return slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(value))
}

// places are the files that huggingface_hub keeps tokens in.
type places struct{ token, stored string }

func findPlaces(getenv func(string) string, home string) places {
	cache := filepath.Join(home, ".cache")
	first := func(name, otherwise string) string {
		if value := getenv(name); value != "" {
			return value
		}
		return otherwise
	}
	expand := func(path string) string { return expandPath(path, getenv, home, runtime.GOOS) }
	hfHome := expand(first("HF_HOME", filepath.Join(first("XDG_CACHE_HOME", cache), "huggingface")))
	token := expand(first("HF_TOKEN_PATH", filepath.Join(hfHome, "token")))
	p := places{token: token, stored: filepath.Join(filepath.Dir(token), "stored_tokens")}
	if isTrue(getenv("HUGGINGFACE_CO_STAGING")) {
		p.token = filepath.Join(cache, "huggingface_staging", "token")
	}
	return p
}

var (
	dollar  = regexp.MustCompile(`\$(\w+|\{[^}]*\})`)
	percent = regexp.MustCompile(`%([^%]+)%`)
)

// expandPath replaces a ~ that stands for home, and variables that are set.
func expandPath(path string, getenv func(string) string, home, goos string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0]) || rest[0] == '/') {
		path = home + rest
	}
	replace := func(match string) string {
		if value := getenv(strings.Trim(match, "${}%")); value != "" {
			return value
		}
		return match
	}
	path = dollar.ReplaceAllStringFunc(path, replace)
	if goos == "windows" {
		path = percent.ReplaceAllStringFunc(path, replace)
	}
	return path
}
