package memory_test

import (
	"testing"

	"github.com/hfhook/hfhook/replay"
	"github.com/hfhook/hfhook/replay/memory"
	"github.com/hfhook/hfhook/replay/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, storetest.Factory{Open: func(*testing.T) replay.Store { return memory.New() }})
}
