package ngroktest

import "encoding/json"

// The types of streams, the first four bytes of each.
const (
	typeAuth       = 0
	typeBind       = 1
	typeUnbind     = 2
	typeProxy      = 3
	typeStopTunnel = 9
	typeHeartbeat  = 0xFFFFFFFF
)

// Auth is what an agent sends first: who it is.
type Auth struct {
	Version  []string
	ClientID string `json:"ClientId"` // empty the first time
	Extra    AuthExtra
}

// AuthExtra is the larger part of Auth, as far as the edge knows it.
type AuthExtra struct {
	Authtoken          string
	Cookie             string // empty the first time
	Version            string // of the client
	ClientType         string
	UserAgent          string
	HeartbeatInterval  int64 // nanoseconds
	HeartbeatTolerance int64 // nanoseconds
}

type authResp struct {
	Version  string
	ClientID string `json:"ClientId"`
	Error    string
	Extra    authRespExtra
}

type authRespExtra struct {
	Version        string
	Region         string
	Cookie         string
	AccountName    string
	PlanName       string
	AgentSessionID string
}

// Bind asks for an endpoint.
type Bind struct {
	ID         string `json:"Id"` // empty the first time
	Proto      string
	ForwardsTo string
	Opts       json.RawMessage
	Extra      BindExtra

	// URL is the one in Opts.
	URL string `json:"-"`
}

// BindExtra is the smaller part of Bind.
type BindExtra struct {
	Token          string // empty the first time
	Name           string
	Metadata       string
	Description    string
	Bindings       []string
	PoolingEnabled bool
}

type bindResp struct {
	ID    string `json:"Id"`
	URL   string
	Proto string
	Opts  map[string]any
	Error string
	Extra bindRespExtra
}

type bindRespExtra struct {
	Token    string
	TunnelID string
}

type unbind struct {
	ID string `json:"Id"`
}

type unbindResp struct{ Error string }

type stopTunnel struct {
	ID        string `json:"Id"`
	Message   string
	ErrorCode string
}

type proxyHeader struct {
	ID             string `json:"Id"`
	ClientAddr     string
	Proto          string
	EdgeType       string
	PassthroughTLS bool
}
