package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/receiver"
)

// More sources of a secret: see secretSource.
const (
	secretFile     secretSource = "file"
	secretVariable secretSource = "variable"
	secretTyped    secretSource = "typed"
	secretNew      secretSource = "new"
)

const secretHint = "a secret on the command line can be seen by others: pass --secret-file FILE, --secret-env NAME or --ask-secret"

// hubSecretFlags say what becomes of a webhook's secret. A value cannot be
// typed: --secret is there for the settings of hfhook dev, and to say so.
func hubSecretFlags(create bool) []cli.Flag {
	flag := func(name, usage string) cli.Flag {
		return &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
	}
	secret := &cli.StringFlag{Name: "secret", Hidden: true}
	none := &cli.BoolFlag{Name: "no-secret", Usage: "take the secret away", DisableDefaultText: true}
	if create {
		secret.EnvVars = []string{"HFHOOK_SECRET", "WEBHOOK_SECRET"}
		none.EnvVars = []string{"HFHOOK_NO_SECRET"}
		none.Usage = "use no secret at all"
	}
	flags := []cli.Flag{
		&cli.StringFlag{Name: "secret-file", Usage: "use the secret in `FILE`; - is stdin", TakesFile: true},
		&cli.StringFlag{Name: "secret-env", Usage: "use the secret in the variable `NAME`"},
		flag("ask-secret", "ask for the secret on the terminal"),
		flag("kept-secret", "use the one that hfhook secret prints"),
		flag("new-secret", "make a new one, and show it once on the terminal"),
		none, secret,
	}
	if !create {
		flags = append(flags, flag("leave-secret", "send none, and let the Hub decide whether the webhook keeps the one that it has"))
	}
	return flags
}

// hubSecretNames are the flags of which one at most is given.
var hubSecretNames = []string{"secret-file", "secret-env", "ask-secret", "kept-secret", "new-secret", "no-secret", "leave-secret"}

// chosenSecret gives the secret that the flags name; nil: they name none.
func chosenSecret(c *cli.Context) (*secret, error) {
	if typed(c, "secret") {
		return nil, usage("the secret does not belong on the command line", secretHint)
	}
	var given []string
	for _, name := range hubSecretNames {
		if typed(c, name) && c.Value(name) != false {
			given = append(given, name)
		}
	}
	switch {
	case len(given) == 0:
		return nil, nil
	case len(given) > 1:
		return nil, usage("--"+strings.Join(given, " and --")+" exclude each other", "choose one of them")
	}
	s := &secret{source: secretNone}
	var err error
	switch given[0] {
	case "no-secret":
		return s, nil
	case "leave-secret":
		return nil, nil
	case "kept-secret":
		*s, err = keptSecret(true)
		return s, err
	case "new-secret":
		if !newScreen(c.App.ErrWriter, true).terminal {
			return nil, usage("nobody would see the new secret: this is no terminal", "keep one in a file first, and pass --secret-file FILE")
		}
		return &secret{value: rand.Text(), source: secretNew}, nil
	case "ask-secret":
		if !canAsk(c) {
			return nil, usage("there is nobody to ask for the secret: this is no terminal", "pass --secret-file FILE or --secret-env NAME")
		}
		s.source = secretTyped
		s.value, err = ask(c, "secret (not shown): ", true)
	case "secret-env":
		s.source, s.value = secretVariable, os.Getenv(c.String("secret-env"))
		if s.value == "" { // its name may be the secret itself
			return nil, usage("the variable of --secret-env is not set, or empty", "give its name, without a $ in front")
		}
	case "secret-file":
		s.source = secretFile
		s.value, err = readSecret(c)
	}
	if err != nil {
		return nil, err
	}
	if err := receiver.CheckSecret(s.value); err != nil {
		return nil, usage(err.Error(), "choose one of letters, digits and punctuation")
	}
	return s, nil
}

// readSecret reads the file of --secret-file. A line feed at its end is none of
// the secret.
func readSecret(c *cli.Context) (string, error) {
	const most = 64 << 10
	const hint = "name a file that holds the secret and nothing else"
	name := c.String("secret-file")
	var r io.Reader = input{c.Context}
	if name == "-" && term.IsTerminal(int(os.Stdin.Fd())) {
		return "", usage("what is typed here would show", "pass --ask-secret")
	}
	var err error
	if name != "-" {
		var f *os.File
		if f, err = os.Open(name); err == nil {
			defer f.Close()
			r = f
		}
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(r, most+1))
	}
	switch e, _ := errors.AsType[*fs.PathError](err); {
	case e != nil:
		return "", &problem{exitUsage, hint, fmt.Errorf("cannot read the secret in %s: %w", name, e.Err)}
	case err != nil:
		return "", err
	case len(text) > most:
		return "", usage(fmt.Sprintf("the secret has more than %d KiB", most>>10), hint)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

// createdSecret is the secret of a new webhook: the chosen one, else the one
// that hfhook dev has.
func createdSecret(c *cli.Context) (secret, error) {
	switch chosen, err := chosenSecret(c); {
	case err != nil:
		return secret{}, err
	case chosen != nil:
		return *chosen, nil
	}
	return findSecret(c, true)
}

// secretRule says what a change does to the secret: it becomes the chosen one,
// is left out, or stays.
func secretRule(c *cli.Context, chosen *secret) hub.SecretRule {
	switch {
	case chosen != nil:
		return hub.SetSecret(hub.Secret(chosen.value))
	case c.Bool("leave-secret"):
		return hub.LeaveSecret
	}
	return hub.KeepSecret
}

// secretInWords says where a secret comes from, to people.
func secretInWords(s secret) string {
	switch s.source {
	case secretKept, secretGenerated:
		return "the one that hfhook dev uses; hfhook secret prints it"
	case secretNew:
		return "the new one"
	case secretGiven:
		for _, name := range []string{"HFHOOK_SECRET", "WEBHOOK_SECRET"} {
			if os.Getenv(name) == s.value {
				return "the one in " + name
			}
		}
		return "the one of the settings file"
	}
	return "the one that you gave"
}
