package main

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/hfhook/hfhook/replay"
)

// A command goes to the host that was named, whatever stands in the path.
func TestACurlCommandGoesNowhereElse(t *testing.T) {
	for _, path := range []string{"@evil.test/", "a:@evil.test/x", ".evil.test/", "81/", "", "//evil.test/", "/\\@evil.test", "?@evil.test", "#@evil.test"} {
		for _, query := range []string{"", "a=@evil.test/"} {
			address, err := addressFor("http://localhost:3000", &replay.Delivery{Path: path, Query: query})
			require.NoError(t, err)
			u, err := url.Parse(address)
			require.NoError(t, err)
			assert.Equal(t, "localhost:3000", u.Host, address)
			assert.Nil(t, u.User, address)
		}
	}
}
