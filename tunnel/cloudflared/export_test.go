package cloudflared

var NameServers = nameServers
