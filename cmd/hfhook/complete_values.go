package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/payload/sample"
	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/sqlite"
	"github.com/hfhook/hfhook/tunnel/ssh"
)

// completions says what values and arguments may be, by where they stand:
//
//	"replay"          the arguments of hfhook replay
//	"--scope"         the value of the flag, whatever command has it
//	"trigger --type"  the value of that command's flag, where it differs
//
// A new command or flag is completed without a line here. So are flags with
// TakesFile, and those whose place for the value says all that it can be, as
// `store|handler` does. What else there is to choose from belongs into this
// table; oneOfThese, someOfThese, files and deliveries are there for it, and
// anything with their signature will do:
//
//	"trigger": sampleNames,
func completions() map[string]candidates {
	return map[string]candidates{
		"inspect":    deliveries,
		"replay":     deliveries,
		"export":     deliveries,
		"import":     files,
		"trigger":    sampleNames,
		"help":       helpWords,
		"completion": oneArgument(oneOfThese(shellNames()...)),

		"--action":  someOfThese(texts(payload.ActionCreate, payload.ActionUpdate, payload.ActionDelete, payload.ActionMove)...),
		"--domain":  oneOfThese(texts(hub.DomainRepo, hub.DomainDiscussion)...),
		"--scope":   someOfThese(texts(payload.ScopeRepo, payload.ScopeRepoContent, payload.ScopeRepoConfig, payload.ScopeDiscussion, payload.ScopeDiscussionComment)...),
		"--status":  someOfThese("ok", "failed", "none", "2xx", "3xx", "4xx", "5xx"),
		"--tunnel":  tunnelNames,
		"--type":    someOfThese(texts(payload.RepoModel, payload.RepoDataset, payload.RepoSpace, payload.RepoBucket, payload.RepoKernel)...),
		"--verdict": someOfThese(texts(replay.Accepted, replay.Rejected, replay.Undecodable)...),
		"--watch":   watchedTypes,
	}
}

// sampleNames are the events, and behind the word scenario the scenarios.
func sampleNames(_ context.Context, l *typing) (o offer) {
	if len(l.args) > 0 && l.args[0] == "scenario" {
		for _, s := range sample.Scenarios() {
			o.list = append(o.list, candidate{s.Name, s.About})
		}
		return o
	}
	for _, e := range sample.All() {
		o.list = append(o.list, candidate{e.Name, e.About})
	}
	if len(l.args) == 0 {
		o.list = append(o.list, candidate{"scenario", "several deliveries that belong together"})
	}
	return o
}

// oneOfThese is for a value out of a closed set.
func oneOfThese(words ...string) candidates {
	return func(context.Context, *typing) (o offer) {
		for _, word := range words {
			o.list = append(o.list, candidate{value: word})
		}
		return o
	}
}

// someOfThese is for a value that may hold several of them with commas.
func someOfThese(words ...string) candidates {
	return func(_ context.Context, l *typing) (o offer) {
		before := l.word[:strings.LastIndexByte(l.word, ',')+1]
		chosen := strings.Split(before, ",")
		for _, word := range words {
			if !slices.Contains(chosen, word) {
				o.list = append(o.list, candidate{value: before + word})
			}
		}
		return o
	}
}

// oneArgument is for commands that take no more than one.
func oneArgument(find candidates) candidates {
	return func(ctx context.Context, l *typing) offer {
		if len(l.args) > 0 {
			return offer{}
		}
		return find(ctx, l)
	}
}

// files has the shell complete the name of a file.
func files(context.Context, *typing) offer { return offer{files: true} }

func texts[T ~string](words ...T) []string {
	all := make([]string, 0, len(words))
	for _, word := range words {
		all = append(all, string(word))
	}
	return all
}

func tunnelNames(context.Context, *typing) offer {
	o := offer{list: []candidate{
		{"auto", "what is there already"},
		{"none", "no tunnel"},
		{"ngrok", "needs an authtoken"},
		{"cloudflared", "needs the program cloudflared"},
	}}
	for _, server := range ssh.Presets() {
		o.list = append(o.list, candidate{"ssh:" + server.Name, "needs nothing"})
	}
	o.list = append(o.list, candidate{"ssh://", "a server of your own"}, candidate{"command", "what --tunnel-cmd runs"})
	return o
}

func watchedTypes(context.Context, *typing) (o offer) {
	for _, kind := range []hub.WatchedType{hub.Model, hub.Dataset, hub.Space, hub.Bucket, hub.Kernel, hub.User, hub.Org} {
		o.list = append(o.list, candidate{value: string(kind) + ":"})
	}
	return o
}

// maxIDs is how many deliveries are offered.
const maxIDs = 50

// deliveries are the newest ones in the store that the line means, the newest
// first, and words for the last two. The end of a range is completed too.
func deliveries(ctx context.Context, l *typing) offer {
	o := offer{told: true}
	path := l.setting("store")
	if path == "" {
		folder, err := stateFolder()
		if err != nil {
			return o
		}
		path = filepath.Join(folder, "deliveries.db")
	}
	found, err := sqlite.Newest(ctx, path, maxIDs)
	if err != nil || len(found) == 0 {
		return o
	}
	before, from := "", int64(0)
	if first, _, ok := strings.Cut(l.word, ".."); ok {
		before = first + ".."
		from, _ = strconv.ParseInt(first, 10, 64)
	}
	add := func(word string, d *replay.Delivery) {
		if d.ID > from && !slices.Contains(l.args, word) {
			o.list = append(o.list, candidate{before + word, headline(d)})
		}
	}
	for i, d := range found[:min(2, len(found))] {
		add([]string{"last", "last~1"}[i], d)
	}
	for _, d := range found {
		add(fmt.Sprint(d.ID), d)
	}
	return o
}
