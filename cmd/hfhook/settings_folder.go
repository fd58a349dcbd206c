package main

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/hfhook/hfhook/tunnel/ssh"
)

// A settings file in a folder may be somebody else's: it came with a clone, or
// lies in /tmp. What it can say is told here, and a new flag is not among it by
// itself. Nothing of it runs a program, uses a token, chooses the secret or the
// store, names a file, believes anybody, or leads deliveries off this machine
// other than through a tunnel that is everybody's.

// fromFolders are the settings that a folder may make. A check says why one of
// its words is refused; nil: none is.
var fromFolders = map[string]func(word string) (why string){
	"ack":                   nil,
	"ack-timeout":           nil,
	"domain":                nil,
	"exec-concurrency":      nil,
	"exec-timeout":          nil,
	"exit-after":            nil,
	"fail-on-handler-error": nil,
	"first-match":           nil,
	"forward":               leadsAway,
	"header":                nil,
	"json":                  nil,
	"keep-webhook":          nil,
	"listen":                opensToOthers,
	"only":                  nil,
	"path":                  nil,
	"target-host":           nil,
	"target-timeout":        nil,
	"timeout":               nil,
	"tunnel":                isOnesOwn,
	"verbose":               nil,
	"wait-for":              nil,
}

// whyNotFromFolders says what single settings do that a folder may not make.
// With the public URL of a stranger, watch would send private events there.
var whyNotFromFolders = map[string]string{
	"exec":       "runs a program",
	"env":        "chooses what a program gets of your environment",
	"tunnel-cmd": "runs a program",
	"watch":      "uses your token at the Hub",
	"webhook":    "uses your token at the Hub",
	"takeover":   "uses your token at the Hub",
	"secret":     "chooses who can post here",
	"no-secret":  "chooses who can post here",
	"public-url": "chooses where the Hub sends your deliveries",
	"store":      "chooses what is taken for your deliveries",
	"keep":       "removes deliveries",
}

// refusedInFolders says why a folder may not set a flag to a word; empty: it may.
func refusedInFolders(name, word string) string {
	check, ok := fromFolders[name]
	switch {
	case !ok && whyNotFromFolders[name] != "":
		return whyNotFromFolders[name]
	case !ok:
		return "is not harmless"
	case check == nil:
		return ""
	}
	return check(word)
}

func leadsAway(word string) string {
	all, _ := parseRoutes([]string{word}) // what is wrong with them is told later
	for _, r := range all {
		if isElsewhere(r.address) {
			return "sends deliveries, with the secret, to " + hideInURL(r.address)
		}
	}
	return ""
}

// isElsewhere reports whether an address is not one of this machine.
func isElsewhere(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.Scheme != "unix" && !isLoopback(u.Hostname())
}

func opensToOthers(word string) string {
	if host, _, err := net.SplitHostPort(word); err == nil && host != "" && !isLoopback(host) {
		return "opens a port to other machines"
	}
	return ""
}

func isOnesOwn(word string) string {
	name, preset := strings.CutPrefix(word, "ssh:")
	if slices.Contains([]string{"auto", "none", "ngrok", "cloudflared"}, word) ||
		preset && slices.ContainsFunc(ssh.Presets(), func(s ssh.Server) bool { return s.Name == name }) {
		return ""
	}
	return "leads deliveries, with the secret, through " + word
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// foldersHelp tells what a folder may set.
func foldersHelp() string {
	return fmt.Sprintf("A folder may be somebody else's: %s is read for harmless settings alone, %s, and not at all where it belongs to another user, or all users may write it. "+
		"There, forward and listen are for addresses of this machine, and tunnel for those without a server of your own.",
		settingsName, strings.Join(slices.Sorted(maps.Keys(fromFolders)), ", "))
}
