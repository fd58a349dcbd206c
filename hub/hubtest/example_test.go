package hubtest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hfhook/hfhook/hub"
	"github.com/hfhook/hfhook/hub/hubtest"
)

// A bot that is told about acme's repos answers the Hub, and its webhook is
// seen to live on. In a file of tests, this is a test.
func Example() {
	_ = func(t *testing.T) {
		bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body struct{ Repo struct{ Name string } }
			if r.Header.Get("X-Webhook-Secret") != "s3cret" || json.NewDecoder(r.Body).Decode(&body) != nil {
				w.WriteHeader(http.StatusForbidden)
			}
		}))
		defer bot.Close()

		h := hubtest.Start(t)
		hook := h.Register(bot.URL, "s3cret", hub.Watched{Type: hub.Org, Name: "acme"})
		for _, d := range h.Trigger(hubtest.Event{Repo: "acme/model"}) {
			if last := d.Wait(); !last.OK() {
				t.Errorf("the bot answered %d %s", last.Status, last.Err)
			}
		}
		if state := h.Webhook(hook.ID).State; state != hub.Enabled {
			t.Errorf("the webhook is %s", state)
		}
	}
}
