package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/hub"
)

func webhooksReplayCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "replay",
		Usage:     "have the Hub send a delivery of the Activity page again",
		UsageText: "hfhook webhooks replay [flags] ID LOGID",
		Description: "The Hub sends it to the URL that the webhook has now. LOGID is on the webhook's Activity\n" +
			"page; hfhook webhooks show prints where that is. Ends with exit code 4 when the answer of\n" +
			"the target is outside 2xx. What hfhook dev received, hfhook replay sends again without the Hub.",
		Flags:  hubFlags(),
		Action: replayAtHub,
	}, 2)
}

// replayedRecord is what a target answered to a replay of the Hub, in --json.
type replayedRecord struct {
	recordHead
	ID     string `json:"id"`
	LogID  string `json:"logId"`
	Status int    `json:"status"`
	OK     bool   `json:"ok"`
}

func replayAtHub(c *cli.Context) error {
	if err := atLeast(c, 2, "which webhook, and which delivery of it?", "ID LOGID"); err != nil {
		return err
	}
	id, log := c.Args().Get(0), c.Args().Get(1)
	return withWebhooks(c, func(w *webhooks) error {
		status, err := w.Replay(c.Context, id, log)
		switch {
		case errors.Is(err, hub.ErrNotFound):
			return &problem{exitNotFound, "log ids are on " + w.page(id) + "/activity; hfhook webhooks list shows the webhooks", err}
		case err != nil:
			return err
		}
		ok := status/100 == 2
		answer := strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
		if c.Bool("json") {
			if err := writeRecord(w.out, replayedRecord{head("replayed", time.Now()), id, log, status, ok}); err != nil {
				return err
			}
		} else if ok {
			w.out.line("the target answered %s", w.out.good(answer))
		}
		if !ok {
			return &problem{exitAnswer, "", fmt.Errorf("the target answered %s", answer)}
		}
		return nil
	})
}
