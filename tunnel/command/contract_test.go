package command_test

import (
	"testing"

	"github.com/hfhook/hfhook/tunnel/command/commandtest"
	"github.com/hfhook/hfhook/tunnel/tunneltest"
)

func TestKeepsTheContract(t *testing.T) {
	t.Run("URL printed", func(t *testing.T) { tunneltest.Run(t, commandtest.Case) })
	t.Run("URL given", func(t *testing.T) { tunneltest.Run(t, commandtest.GivenCase) })
}
