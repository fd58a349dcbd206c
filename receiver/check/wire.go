package check

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"regexp"
	"sync"
	"time"

	"github.com/hfhook/hfhook/replay"
)

// What happens to requests on their way.

// large is a body as long as the Hub may send one: 10,000 files with long paths.
func large(ctx context.Context, r *run) outcome {
	p := r.event("repo.content.update.files-truncated", "")
	folder := bytes.Repeat([]byte("checkpoints-of-a-long-run/"), 25) // 650 bytes
	p.Body = bytes.ReplaceAll(p.Body, []byte(`"path":"`), append([]byte(`"path":"`), folder...))
	p.BodySize = int64(len(p.Body))
	return r.taken(ctx, p)
}

func contentType(ctx context.Context, r *run) outcome {
	p := r.event("discussion.create", "")
	p.Header.Set("Content-Type", "application/json; charset=utf-8")
	return r.taken(ctx, p)
}

var contentLength = regexp.MustCompile(`(?i)\r\ncontent-length: *\d+\r\n`)

func chunked(ctx context.Context, r *run) outcome {
	a := r.sendRaw(ctx, r.target, r.event("discussion.create", ""), func(conn net.Conn, head, body []byte) {
		var text bytes.Buffer
		text.Write(contentLength.ReplaceAll(head, []byte("\r\nTransfer-Encoding: chunked\r\n")))
		for len(body) > 0 {
			n := min(len(body), 100)
			fmt.Fprintf(&text, "%x\r\n%s\r\n", n, body[:n])
			body = body[n:]
		}
		text.WriteString("0\r\n\r\n")
		_, _ = conn.Write(text.Bytes())
	})
	if !a.OK() {
		return outcome{Fail, r.came(a), ""}
	}
	return outcome{Pass, r.came(a), ""}
}

// cut ends the connection in the middle of a body: first the half that the
// handler reads, so that an answer would be seen, and then the whole.
func cut(ctx context.Context, r *run) outcome {
	half := r.sendRaw(ctx, r.target, r.event("discussion.create", ""), func(conn net.Conn, head, body []byte) {
		sendHalf(conn, head, body)
		if c, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = c.CloseWrite()
		}
	})
	if half.Status >= 200 && half.Status < 300 {
		return outcome{Fail, statusText(half.Status) + " for half a body", ""}
	}
	r.sendRaw(ctx, r.target, r.event("discussion.create", ""), func(conn net.Conn, head, body []byte) {
		sendHalf(conn, head, body)
		_ = conn.Close()
	})
	next := r.send(ctx, r.event("discussion.create", ""))
	if !next.OK() {
		return outcome{Fail, "afterwards: " + r.came(next), "one connection that breaks must not hold up the next"}
	}
	came := "no answer"
	if half.Status != 0 {
		came = statusText(half.Status)
	}
	return outcome{Pass, came, ""}
}

func sendHalf(conn net.Conn, head, body []byte) {
	_, _ = conn.Write(append(head, body[:len(body)/2]...))
}

// meanwhile is how many deliveries are sent while another one is slow: the
// first may overtake it.
const meanwhile = 3

// slowClient sends half a body, and the rest of it only once others were
// answered, or should have been.
func slowClient(ctx context.Context, r *run) outcome {
	slow := r.event("discussion.create", "")
	half, goOn := make(chan struct{}), make(chan struct{})
	ended := make(chan *replay.Attempt)
	go func() {
		ended <- r.sendRaw(ctx, r.patient, slow, func(conn net.Conn, head, body []byte) {
			sendHalf(conn, head, body)
			close(half)
			<-goOn
			r.trickle(ctx, conn, body[len(body)/2:])
		})
	}()
	var slowly *replay.Attempt
	select {
	case <-half:
	case slowly = <-ended: // no connection could be had
	}
	var other *replay.Attempt
	for range meanwhile {
		r.pause(ctx)
		if other = r.send(ctx, r.event("discussion.create", "")); !other.OK() {
			break
		}
	}
	close(goOn)
	if slowly == nil {
		slowly = <-ended
	}
	switch {
	case !other.OK():
		return outcome{Fail, "the other one: " + r.came(other), ""}
	case !slowly.OK():
		return outcome{Fail, "the slow one: " + r.came(slowly), "a slow network is no reason to refuse a delivery"}
	}
	return outcome{Pass, fmt.Sprintf("%s for the others, and %s for the slow one", r.came(other), statusText(slowly.Status)), ""}
}

// pause is a tenth of the time that a slow client takes.
func (r *run) pause(ctx context.Context) {
	select {
	case <-time.After(r.o.Trickle / 10):
	case <-ctx.Done():
	}
}

// trickle writes a text in pieces, with the rest of a slow client's time.
func (r *run) trickle(ctx context.Context, conn net.Conn, text []byte) {
	const pieces = 10 - meanwhile
	for n := range pieces {
		r.pause(ctx)
		from, to := n*len(text)/pieces, (n+1)*len(text)/pieces
		if _, err := conn.Write(text[from:to]); err != nil {
			return
		}
	}
}

// together is how many deliveries are sent at the same time.
const together = 16

func parallel(ctx context.Context, r *run) outcome {
	parcels := make([]parcel, together)
	for i := range parcels {
		parcels[i] = r.event("discussion.comment.create", "")
		parcels[i].what = "one of them"
	}
	attempts := make([]*replay.Attempt, together)
	var sending sync.WaitGroup
	for i, p := range parcels {
		sending.Go(func() { attempts[i] = r.send(ctx, p) })
	}
	sending.Wait()
	return r.allTaken(parcels, attempts)
}
