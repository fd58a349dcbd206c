package cloudflared_test

import (
	"testing"

	"github.com/hfhook/hfhook/tunnel/cloudflared/cloudflaredtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func TestKeepsTheContract(t *testing.T) { tunneltest.Run(t, cloudflaredtest.Case) }
