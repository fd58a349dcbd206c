package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/hfhook/hfhook/receiver"
	"github.com/hfhook/hfhook/tunnel"
)

// listenLocal opens the address of --listen, on a Space the one that it leads
// to. The error is receiver.ErrAddrInUse when something else listens there.
func listenLocal(c *cli.Context, space *tunnel.SpaceInfo) (net.Listener, error) {
	address := c.String("listen")
	if space != nil && !c.IsSet("listen") {
		address = "0.0.0.0:7860"
		if port := os.Getenv("PORT"); port != "" {
			address = "0.0.0.0:" + port
		}
	}
	if !strings.Contains(address, ":") {
		address = "127.0.0.1:" + address
	}
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	if _, err := net.ResolveTCPAddr("tcp", address); err != nil {
		return nil, usage(fmt.Sprintf("--listen %s is no address: %s", address, err), "give a port, or host:port: hfhook dev --listen 127.0.0.1:7860")
	}
	listener, err := receiver.Listen(c.Context, address)
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, receiver.ErrAddrInUse):
		return nil, failed(inUse(address), "is another hfhook dev running? Choose another address: hfhook dev --listen 7861")
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	return nil, failed(fmt.Errorf("cannot receive on %s: %w", address, err), "give a port, or host:port: hfhook dev --listen 127.0.0.1:7860")
}

// inUse is a receiver.ErrAddrInUse that names the address.
type inUse string

func (a inUse) Error() string { return string(a) + " is in use" }
func (a inUse) Unwrap() error { return receiver.ErrAddrInUse }

// checkPath refuses a --path that is none.
func checkPath(c *cli.Context) error {
	if !strings.HasPrefix(c.String("path"), "/") {
		return usage(fmt.Sprintf("--path %q does not begin with a slash", c.String("path")), "for example --path /webhooks/my_hook")
	}
	return nil
}

// localURL is where a listener is reached from this machine.
func localURL(l net.Listener) *url.URL {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
}
