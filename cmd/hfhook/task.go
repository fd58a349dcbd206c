package main

import "context"

// task is a part of a session that runs until it is told to end. It does not
// end with the session's context: what came in last has to get through.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func start(ctx context.Context, f func(context.Context) error) *task {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t := &task{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.err = f(ctx)
	}()
	return t
}

// end tells the task to end and waits until it has.
func (t *task) end() error {
	t.cancel()
	<-t.done
	return t.err
}
