package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"github.com/hfhook/hfhook/payload"
)

// Settings come from flags, then the environment, then .hfhook.yaml in the
// working folder or the nearest one above it, then config.yaml in the user's
// config folder. A file holds flags of hfhook dev by their long names; other
// commands read those that they have too.

const settingsName = ".hfhook.yaml"

// maxSettings is how long a settings file may be, in bytes.
const maxSettings = 1 << 20

// applySettings sets every flag of c's command that neither the command line
// nor the environment has set.
func applySettings(c *cli.Context) error {
	folder, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the working folder: %w", err)
	}
	files, stranger := settingsFiles(folder)
	if stranger != "" {
		fmt.Fprintf(c.App.ErrWriter, "hfhook: %s is not read: it belongs to another user, or all users may write it\n", payload.Printable(stranger))
	}
	for _, file := range files {
		values, err := readSettings(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = setFromFile(c, file, values)
		}
		if err != nil {
			return &problem{exitUsage, "keys are the flags of hfhook dev, without dashes in front; see hfhook dev --help", err}
		}
	}
	return nil
}

// settingsFiles lists where settings may be, the strongest first. A stranger's
// is not among them.
func settingsFiles(folder string) (files []string, stranger string) {
	for {
		file := filepath.Join(folder, settingsName)
		if link, err := os.Lstat(file); err == nil {
			if info, err := os.Stat(file); isStrangers(link) || err == nil && isStrangers(info) {
				stranger = file
			} else {
				files = append(files, file)
			}
			break
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			break
		}
		folder = parent
	}
	if config, err := os.UserConfigDir(); err == nil {
		files = append(files, filepath.Join(config, "hfhook", "config.yaml"))
	}
	return files, stranger
}

// readSettings reads a file that is none but a regular one: another could be
// without an end, or have one wait.
func readSettings(file string) (map[string]yaml.Node, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read settings: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxSettings:
		return nil, fmt.Errorf("%s is no file of at most %s", file, bytesText(maxSettings))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	var values map[string]yaml.Node
	if err := yaml.Unmarshal(text, &values); err != nil {
		if _, ok := errors.AsType[*yaml.TypeError](err); ok {
			return nil, fmt.Errorf("%s: settings are lines such as listen: 7861", file)
		}
		return nil, fmt.Errorf("read settings in %s: %w", file, err)
	}
	return values, nil
}

func setFromFile(c *cli.Context, file string, values map[string]yaml.Node) error {
	known := slices.Concat(devCommand().Flags, c.Command.Flags)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(known, func(f cli.Flag) bool { return f.Names()[0] == name }) {
			return fmt.Errorf("%s: there is no setting %q", file, name)
		}
		here := slices.ContainsFunc(c.Command.Flags, func(f cli.Flag) bool { return f.Names()[0] == name })
		if !here || !fromFiles(c, name) || c.IsSet(name) {
			continue
		}
		node := values[name]
		words, err := wordsOf(name, &node)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, word := range words {
			if why := refusedInFolders(name, word); why != "" && filepath.Base(file) == settingsName {
				return fmt.Errorf("%s: %s %s, so it is not taken from a folder that may be somebody else's: pass --%[2]s, or put it into your own config.yaml", file, name, why)
			}
		}
		for _, word := range words {
			if err := c.Set(name, word); err != nil {
				return fmt.Errorf("%s: %s: %w", file, name, err)
			}
		}
	}
	return nil
}

// fromFiles reports whether c's command takes a flag from settings files. What
// is changed at the Hub is what was typed; a new webhook gets the secret that
// hfhook dev has. So is what runs a program again: what hfhook dev runs is not
// meant for every delivery that is sent again.
func fromFiles(c *cli.Context, flag string) bool {
	switch name := commandName(c); {
	case name == "replay" && slices.ContainsFunc(slices.Concat(editFlags(), compareFlags()), func(f cli.Flag) bool { return f.Names()[0] == flag }):
		return false // what is sent in place of a delivery, and where to, is what was typed
	case flag == "exec" && name != "dev":
		return false
	case name == "check" && flag != "json": // words such as only mean something else there
		return slices.ContainsFunc(slices.Concat(secretFlags(), checkTargetFlags()), func(f cli.Flag) bool { return f.Names()[0] == flag })
	case !strings.HasPrefix(name, "webhooks "), flag == "json":
		return true
	case name == "webhooks create":
		return flag == "secret" || flag == "no-secret"
	}
	return false
}

// wordsOf gives the words that stand in the value of a setting. Those of forward
// may have names, and their order counts.
func wordsOf(name string, node *yaml.Node) (words []string, err error) {
	wrong := fmt.Errorf("%s takes a word, a number or a list of them", name)
	switch node = behind(node); {
	case node.Kind == yaml.SequenceNode:
		for _, item := range node.Content {
			if behind(item).Kind == yaml.SequenceNode { // perhaps this one
				return nil, wrong
			}
			some, err := wordsOf(name, item)
			if err != nil {
				return nil, err
			}
			words = append(words, some...)
		}
		return words, nil
	case node.Kind == yaml.MappingNode && name == "forward":
		return namedRoutes(node)
	}
	var value any
	if node.Decode(&value) != nil {
		return nil, wrong
	}
	switch value.(type) {
	case string, bool, int, float64:
		return []string{fmt.Sprint(value)}, nil
	}
	return nil, wrong
}

// behind follows an alias to what it stands for.
func behind(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
