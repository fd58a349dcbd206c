package child

import (
	"os"
	"slices"
	"strings"

	"github.com/hfhook/hfhook/tunnel"
)

// secrets are variables of hfhook itself. A tunnel program needs none of them.
var secrets = []string{
	"WEBHOOK_SECRET", "HFHOOK_SECRET", "NGROK_AUTHTOKEN", "HFHOOK_TUNNEL_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
}

// Environ is the environment of this program without hfhook's secrets, except
// for those whose names are in pass, and without the variables of which drop
// says so. Nil: drop none.
func Environ(pass []string, drop func(name string) bool) []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return contains(secrets, name) && !contains(pass, name) || drop != nil && drop(name)
	})
}

// contains takes upper and lower case for the same, as Windows does.
func contains(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// Redactor knows the values of hfhook's secrets in the environment, and more.
func Redactor(more ...string) *tunnel.Redactor {
	for _, name := range secrets {
		more = append(more, os.Getenv(name))
	}
	return tunnel.NewRedactor(more...)
}
