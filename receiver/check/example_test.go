package check_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"

	"github.com/hfhook/hfhook/payload"
	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/receiver/check"
)

func Example() {
	bot := receiver.New(receiver.Options{Secrets: []string{"s"}, Out: io.Discard})
	bot.Handle("my_bot", func(_ context.Context, p *payload.Payload) (any, error) {
		return nil, nil // and something useful
	})
	server := httptest.NewServer(bot)
	defer server.Close()

	report, err := check.Run(context.Background(), check.Options{
		URL: server.URL + "/webhooks/my_bot", Secret: "s",
		Only: []string{"wrong-secret", "bucket", "unknown-scope"},
	})
	if err == nil {
		err = report.Err()
	}
	fmt.Println(report.Count(check.Pass), err)
	// Output: 8 <nil>
}
