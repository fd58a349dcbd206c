package hub_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/hfhook/hfhook/hub"
)

// The user's webhook gets another URL, and all else of it stays.
func Example() {
	_ = func(ctx context.Context, id, url string) error {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		token, err := hub.FindToken(os.Getenv, home)
		if err != nil {
			return err
		}
		endpoint, _ := hub.FindEndpoint(os.Getenv)
		c, err := hub.New(hub.Options{Endpoint: endpoint, Token: token, Offline: hub.FindOffline(os.Getenv) != ""})
		if err != nil {
			return err
		}
		defer c.Close()

		w, err := c.Update(ctx, id, hub.Change{URL: url, Secret: hub.KeepSecret})
		if e, ok := errors.AsType[*hub.Error](err); ok {
			fmt.Fprintf(os.Stderr, "%s\nhint: %s\n", e, e.Hint)
		}
		if err != nil {
			return err
		}
		fmt.Println(w.ID, w.State, w.Target())
		return nil
	}
}
