package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/replay/sqlite"
)

// stateFolder is where hfhook keeps the store and the generated secret:
// $XDG_STATE_HOME/hfhook, or what the platform has for it.
func stateFolder() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hfhook"), nil
	}
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, "hfhook"), nil
		}
	case "darwin":
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, "Library", "Application Support", "hfhook"), nil
		}
	default:
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, ".local", "state", "hfhook"), nil
		}
	}
	return "", failed(errors.New("there is no folder to keep deliveries in: no home folder is set"),
		"set HOME or XDG_STATE_HOME, or pass --store FILE and WEBHOOK_SECRET")
}

func storeFlag() cli.Flag {
	return &cli.StringFlag{Name: "store", Usage: "keep deliveries in `FILE`", DefaultText: "in the state folder", EnvVars: []string{"HFHOOK_STORE"}, TakesFile: true}
}

// storePath is the file that --store names, or the default one.
func storePath(c *cli.Context) (string, error) {
	if file := c.String("store"); file != "" {
		return file, nil
	}
	folder, err := stateFolder()
	return filepath.Join(folder, "deliveries.db"), err
}

// makeFolder makes a folder that only the user can read, also out of one that
// others could. One of another user, who could have put anything there, is
// refused.
func makeFolder(folder string) error {
	err := sqlite.MakeFolder(folder)
	if err == nil {
		err = makeOwn(folder, os.Stat)
	}
	if err != nil {
		return failed(fmt.Errorf("make the state folder: %w", pathProblem(err)), "set XDG_STATE_HOME to a folder of your own that you can write to")
	}
	return nil
}

// makeFilesOwn is for the files of a store in the state folder, which may have
// been open to others before.
func makeFilesOwn(store string) error {
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		if err := makeOwn(store+suffix, os.Lstat); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed(fmt.Errorf("open store %s: %w", store, err), "move it away, and a new one is made")
		}
	}
	return nil
}

// maxSecret is how long the file of the secret may be, in bytes.
const maxSecret = 64 << 10

// secretSource says where the secret of a session comes from.
type secretSource string

const (
	secretNone      secretSource = "none"
	secretGiven     secretSource = "given"
	secretKept      secretSource = "kept"
	secretGenerated secretSource = "generated"
)

// secret is what the Hub sends in X-Webhook-Secret.
type secret struct {
	value  string
	source secretSource
	file   string // where it is kept; empty when it was given
}

func secretFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "secret", Usage: "the `SECRET` that the Hub sends; better in the environment than here", DefaultText: "generated once and kept", EnvVars: []string{"HFHOOK_SECRET", "WEBHOOK_SECRET"}},
		&cli.BoolFlag{Name: "no-secret", Usage: "use no secret at all", EnvVars: []string{"HFHOOK_NO_SECRET"}, DisableDefaultText: true},
	}
}

// findSecret gives the secret from the flag or the environment, else the kept
// one; with create, one is generated when none is kept.
func findSecret(c *cli.Context, create bool) (secret, error) {
	given := c.String("secret")
	if c.Bool("no-secret") {
		// What was typed is stronger than a variable or a file.
		switch none, one := typed(c, "no-secret"), typed(c, "secret"); {
		case given == "" || none && !one:
			return secret{source: secretNone}, nil
		case none == one:
			return secret{}, usage("--secret and --no-secret exclude each other", "choose one of them")
		}
	}
	if given != "" {
		if err := receiver.CheckSecret(given); err != nil {
			return secret{}, usage(err.Error(), "choose one of letters, digits and punctuation")
		}
		return secret{value: given, source: secretGiven}, nil
	}
	return keptSecret(create)
}

// keptSecret gives the secret in the state folder; with create, one is
// generated when there is none.
func keptSecret(create bool) (secret, error) {
	folder, err := stateFolder()
	if err != nil {
		return secret{}, err
	}
	s := secret{file: filepath.Join(folder, "secret"), source: secretKept}
	text, err := readOwn(s.file, maxSecret)
	if err == nil && create { // who only looks changes nothing
		err = makeOwn(s.file, os.Lstat)
	}
	switch {
	case err == nil && strings.TrimSpace(string(text)) != "":
		s.value = strings.TrimSpace(string(text))
		return s, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return secret{}, failed(fmt.Errorf("read the kept secret: %w", err), "pass WEBHOOK_SECRET, or mend the file")
	case !create:
		return secret{source: secretNone}, nil
	}
	return generateSecret(s)
}

func generateSecret(s secret) (secret, error) {
	if err := makeFolder(filepath.Dir(s.file)); err != nil {
		return secret{}, err
	}
	s.value, s.source = rand.Text(), secretGenerated
	if err := replaceFile(s.file, []byte(s.value+"\n")); err != nil {
		return secret{}, fmt.Errorf("keep the generated secret: %w", err)
	}
	return s, nil
}

func secretCommand() *cli.Command {
	return command(&cli.Command{
		Name:  "secret",
		Usage: "print the secret that hfhook dev generated and keeps",
		Description: "With --new, a new secret replaces the kept one. Enter it at the Hub too, and start\n" +
			"hfhook dev again.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "new", Usage: "generate a new one", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			folder, err := stateFolder()
			if err != nil {
				return err
			}
			var s secret
			if c.Bool("new") {
				s, err = generateSecret(secret{file: filepath.Join(folder, "secret")})
			} else {
				s, err = findSecret(c, true)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.App.Writer, s.value)
			return err
		},
	}, 0)
}
