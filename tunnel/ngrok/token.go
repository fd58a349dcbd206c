package ngrok

import (
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// FindToken looks for the user's authtoken in NGROK_AUTHTOKEN, then in the
// settings file of ngrok's own agent, so that who uses ngrok already has
// nothing to set up. Both are empty when there is none; a file that cannot be
// read counts as none. home is the user's folder, goos a runtime.GOOS.
// Source: ngrok-docs, agent config.
func FindToken(getenv func(string) string, home, goos string) (token, source string) {
	if token := getenv("NGROK_AUTHTOKEN"); token != "" {
		return token, "NGROK_AUTHTOKEN"
	}
	var dir string
	switch goos {
	case "windows":
		if dir = getenv("LOCALAPPDATA"); dir == "" {
			dir = filepath.Join(home, "AppData", "Local")
		}
	case "darwin":
		dir = filepath.Join(home, "Library", "Application Support")
	default:
		dir = filepath.Join(home, ".config")
	}
	source = filepath.Join(dir, "ngrok", "ngrok.yml")
	if token := readToken(source); token != "" {
		return token, source
	}
	return "", ""
}

func readToken(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	var settings struct {
		Authtoken string `yaml:"authtoken"` // version 2
		Agent     struct {
			Authtoken string `yaml:"authtoken"` // version 3
		} `yaml:"agent"`
	}
	if err := yaml.NewDecoder(io.LimitReader(f, 1<<20)).Decode(&settings); err != nil {
		return ""
	}
	if settings.Agent.Authtoken != "" {
		return settings.Agent.Authtoken
	}
	return settings.Authtoken
}
