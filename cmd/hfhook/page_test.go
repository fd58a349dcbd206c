package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/payload"
)

func TestPageOf(t *testing.T) {
	const sha = "575db8b7a51b6f85eb06eee540738584589f131c"
	for name, tt := range map[string]struct{ body, page string }{
		"repo":           {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert"}}}`, "https://huggingface.co/acme/bert"},
		"comment":        {`{"comment":{"url":{"web":"https://huggingface.co/acme/bert/discussions/1#abc"}},"repo":{"url":{"web":"https://huggingface.co/x"}}}`, "https://huggingface.co/acme/bert/discussions/1#abc"},
		"discussion":     {`{"discussion":{"url":{"web":"https://HuggingFace.co/acme/bert/discussions/1"}}}`, "https://HuggingFace.co/acme/bert/discussions/1"},
		"commit":         {`{"repo":{"url":{"web":"https://huggingface.co/datasets/acme/d"}},"updatedRefs":[{"ref":"refs/heads/main","oldSha":null,"newSha":"` + sha + `"}]}`, "https://huggingface.co/datasets/acme/d/commit/" + sha},
		"pull request":   {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert"}},"updatedRefs":[{"ref":"refs/pr/7","oldSha":null,"newSha":"` + sha + `"}]}`, "https://huggingface.co/acme/bert/discussions/7"},
		"branch deleted": {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert"}},"updatedRefs":[{"ref":"refs/heads/x","oldSha":"` + sha + `","newSha":null}]}`, "https://huggingface.co/acme/bert"},
		"odd ref":        {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert"}},"updatedRefs":[{"ref":"refs/pr/../../../evil","oldSha":null,"newSha":"../../evil"}]}`, "https://huggingface.co/acme/bert"},
		"query":          {`{"repo":{"url":{"web":"https://huggingface.co/acme/bert?x=$(id)&y"}}}`, "https://huggingface.co/acme/bert"},
		"odd path":       {`{"repo":{"url":{"web":"https://huggingface.co/a b;$(id)\u202e"}}}`, "https://huggingface.co/a%20b;$%28id%29%E2%80%AE"},
		"another Hub":    {`{"repo":{"url":{"web":"http://hub.test:8080/acme/bert"}}}`, "http://hub.test:8080/acme/bert"},

		"none":             {`{}`, ""},
		"stranger":         {`{"repo":{"url":{"web":"https://evil.example/acme"}}}`, ""},
		"looks like":       {`{"repo":{"url":{"web":"https://huggingface.co.evil.example/acme"}}}`, ""},
		"user":             {`{"repo":{"url":{"web":"https://huggingface.co@evil.example/acme"}}}`, ""},
		"user of the Hub":  {`{"repo":{"url":{"web":"https://a:b@huggingface.co/acme"}}}`, ""},
		"port":             {`{"repo":{"url":{"web":"https://huggingface.co:444/acme"}}}`, ""},
		"plain http":       {`{"repo":{"url":{"web":"http://huggingface.co/acme"}}}`, ""},
		"file":             {`{"repo":{"url":{"web":"file:///etc/passwd"}}}`, ""},
		"file of the Hub":  {`{"repo":{"url":{"web":"file://huggingface.co/etc/passwd"}}}`, ""},
		"script":           {`{"repo":{"url":{"web":"javascript:alert(1)"}}}`, ""},
		"flag":             {`{"repo":{"url":{"web":"--new-window"}}}`, ""},
		"without a scheme": {`{"repo":{"url":{"web":"//huggingface.co/acme"}}}`, ""},
		"no host":          {`{"repo":{"url":{"web":"https:huggingface.co/acme"}}}`, ""},
		"backslash":        {`{"repo":{"url":{"web":"https://evil.example\\@huggingface.co/acme"}}}`, ""},
		"backslash behind": {`{"repo":{"url":{"web":"https://huggingface.co\\.evil.example/acme"}}}`, ""},
		"escaped host":     {`{"repo":{"url":{"web":"https://huggingface.co%2eevil.example/acme"}}}`, ""},
		"no slashes":       {`{"repo":{"url":{"web":"https:/evil.example/huggingface.co"}}}`, ""},
		"blank":            {`{"repo":{"url":{"web":" https://huggingface.co/acme"}}}`, ""},
		"two addresses":    {`{"repo":{"url":{"web":"https://evil.example https://huggingface.co/acme"}}}`, ""},
		"data":             {`{"repo":{"url":{"web":"data:text/html,huggingface.co"}}}`, ""},
		"capital script":   {`{"repo":{"url":{"web":"JavaScript://huggingface.co/%0aalert(1)"}}}`, ""},
		"odd letters":      {`{"repo":{"url":{"web":"https://hugging\u200bface.co/acme"}}}`, ""},
		"comment's":        {`{"comment":{"url":{"web":"https://evil.example/"}},"repo":{"url":{"web":"https://huggingface.co/acme"}}}`, ""},
		"control":          {`{"repo":{"url":{"web":"https://huggingface.co/a\u001b[31m"}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HF_ENDPOINT", "http://hub.test:8080/")
			p, err := payload.Decode([]byte(tt.body))
			require.NoError(t, err)
			page, ok := pageOf(p)
			assert.Equal(t, tt.page, page)
			assert.Equal(t, tt.page != "", ok)
		})
	}
}

// However odd a page of the Hub is called, it is one word for the browser, which
// is no option.
func TestAPageIsOneWord(t *testing.T) {
	for _, web := range []string{"https://huggingface.co/a b", "https://huggingface.co/$(touch evil)", "https://huggingface.co/a\"b'c`d", "https://huggingface.co/#--x y", "https://huggingface.co/%73%20", "https://huggingface.co/-x"} {
		body, err := json.Marshal(map[string]any{"repo": map[string]any{"url": map[string]any{"web": web}}})
		require.NoError(t, err)
		p, err := payload.Decode(body)
		require.NoError(t, err)
		page, ok := pageOf(p)
		require.True(t, ok, web)
		assert.True(t, strings.HasPrefix(page, "https://huggingface.co/"), page)
		assert.Equal(t, payload.Printable(page), page)
		assert.NotContains(t, page, " ")
		if runtime.GOOS == "windows" {
			continue // has no sh
		}
		for _, chosen := range []string{`sh %s`, `sh --url=%s`} {
			folder := t.TempDir()
			program := filepath.Join(folder, "browser")
			require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" >"+filepath.Join(folder, "words")+"\n"), 0o700))
			commands := browserList(strings.Replace(chosen, "sh", program, 1))
			require.NoError(t, browse(t.Context(), commands, page))
			words, err := os.ReadFile(filepath.Join(folder, "words"))
			require.NoError(t, err)
			assert.Equal(t, "1\n"+strings.Replace(strings.TrimPrefix(chosen, "sh "), "%s", page, 1)+"\n", string(words))
		}
	}
}
