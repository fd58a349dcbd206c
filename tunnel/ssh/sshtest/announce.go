package sshtest

import (
	"encoding/json"
	"strings"
)

// tunneled is what localhost.run says of a host in all of its shapes.
func tunneled(host string) string { return host + " tunneled with tls termination, https://" + host }

const advertising = "create an account and add your key for a longer lasting domain name, " +
	"see https://localhost.run/docs/forever-free/ for more information."

// Text is the announcement of localhost.run to people.
func Text(host string) string {
	return strings.Join([]string{
		"",
		"Welcome to localhost.run! To set up custom domains go to https://admin.localhost.run/",
		"For more details on custom domains see https://localhost.run/docs/custom-domains",
		"** your connection id is 00000000-0000, please mention it in a message about an issue. **",
		"authenticated as anonymous user",
		tunneled(host),
		advertising,
		"Open your tunnel address on your mobile with this QR:",
		"",
	}, "\r\n")
}

// JSON is the older announcement of localhost.run to programs.
func JSON(host string) string {
	return line(map[string]any{"event": "authn", "message": "authenticated as anonymous user, see https://admin.localhost.run/", "status": "success"}) +
		line(map[string]any{
			"event": "tcpip-forward", "address": host, "listen_host": "localhost", "listen_port": 80,
			"status": "success", "message": tunneled(host) + "\n" + advertising,
		})
}

// CloudEvent is the announcement of localhost.run to programs since 2026.
func CloudEvent(host string) string {
	return event("v1.notice", "notice", "see https://admin.localhost.run/\r\n") +
		event("v1.tcpip_forward.register.accepted", "localhost/"+host, tunneled(host)+"\r\n"+advertising+"\r\n")
}

// Rejected is a CloudEvent that says why there is no tunnel.
func Rejected(why string) string {
	return event("v1.tcpip_forward.register.rejected", "localhost", why+"\r\n"+advertising+"\r\n")
}

func event(kind, id, data string) string {
	return line(map[string]any{"specversion": "1.0", "source": "ssh://localhost.run/", "type": kind, "id": id, "data": data})
}

func line(v map[string]any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings only
	}
	return string(b) + "\n"
}
