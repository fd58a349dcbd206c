package ssh

import (
	"bufio"
	"net"
	"sync"
)

// wire is the connection below SSH. The library writes each packet on its
// own, and reads in small pieces; a wire reads ahead, and writes together what
// comes while it writes.
type wire struct {
	net.Conn
	ahead *bufio.Reader

	mu      sync.Mutex
	changed sync.Cond
	queue   []byte
	err     error // why nothing is written any more
}

// wireSize is how much a wire reads ahead, and how much may wait to be written.
const wireSize = 128 << 10

// newWire wraps c. Its goroutine runs in wg and ends after Close.
func newWire(c net.Conn, wg *sync.WaitGroup) *wire {
	w := &wire{Conn: c, ahead: bufio.NewReaderSize(c, wireSize)}
	w.changed.L = &w.mu
	wg.Go(w.send)
	return w
}

func (w *wire) Read(p []byte) (int, error) { return w.ahead.Read(p) }

// Write returns when p is in the queue. What becomes of it, a later Write says.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) >= wireSize && w.err == nil {
		w.changed.Wait()
	}
	if w.err != nil {
		return 0, w.err
	}
	w.queue = append(w.queue, p...)
	w.changed.Broadcast()
	return len(p), nil
}

func (w *wire) send() {
	var spare []byte
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil {
		if len(w.queue) == 0 {
			w.changed.Wait()
			continue
		}
		sending := w.queue
		w.queue = spare[:0]
		w.changed.Broadcast()
		w.mu.Unlock()
		_, err := w.Conn.Write(sending)
		w.mu.Lock()
		spare = sending
		if err != nil && w.err == nil {
			w.err = err
			w.changed.Broadcast()
			_ = w.Conn.Close() // the reader notices
		}
	}
}

// Close drops what is in the queue.
func (w *wire) Close() error {
	w.mu.Lock()
	if w.err == nil {
		w.err = net.ErrClosed
		w.changed.Broadcast()
	}
	w.mu.Unlock()
	return w.Conn.Close()
}
