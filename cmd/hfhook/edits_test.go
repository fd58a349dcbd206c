package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestForEditor(t *testing.T) {
	for _, c := range []struct {
		body, text string
		end        []byte
	}{
		{`{"a":[1,2e9],"b":"<&>"}`, "{\n  \"a\": [\n    1,\n    2e9\n  ],\n  \"b\": \"<&>\"\n}\n", []byte{}},
		{"{}\r\n", "{}\n", []byte("\r\n")},
		{"{ }", "{ }", nil},
		{"{\"a\":\n1}", "{\"a\":\n1}", nil},
		{"no JSON", "no JSON", nil},
		{"", "", nil},
		{"\ufeff{}", "\ufeff{}", nil},
	} {
		text, end := forEditor([]byte(c.body))
		assert.Equal(t, c.text, string(text), c.body)
		assert.Equal(t, c.end, end, c.body)
	}
}

func TestHeadersThatMayBeSecret(t *testing.T) {
	for _, name := range []string{"Authorization", "Cookie", "X-Api-Key", "X-Webhook-Secret", "X-Hub-Signature-256", "X-Auth", "Private-Token"} {
		assert.True(t, maySecret(name), name)
	}
	for _, name := range []string{"Content-Type", "Webhook-Id", "User-Agent", "X-Debug"} {
		assert.False(t, maySecret(name), name)
	}
}
