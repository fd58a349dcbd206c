package receiver

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

const (
	localAddr = "127.0.0.1:7860"
	spacePort = "7860"
)

// space is the Hugging Face Space that the program runs in, if it does.
// Source: hub-docs spaces-overview.md; huggingface_hub reads the same names.
type space struct {
	id   string // "owner/name"
	host string // "owner-name.hf.space"
	port string
}

func spaceFromEnv() space {
	id := os.Getenv("SPACE_ID")
	if id == "" {
		return space{}
	}
	return space{
		id:   id,
		host: strings.ToLower(strings.TrimRight(os.Getenv("SPACE_HOST"), "/")),
		port: os.Getenv("PORT"),
	}
}

// listen is the address that Run listens on when it was given none.
func (sp space) listen() (string, error) {
	if sp.id == "" {
		return localAddr, nil
	}
	if sp.port == "" {
		return net.JoinHostPort("0.0.0.0", spacePort), nil
	}
	if n, err := strconv.ParseUint(sp.port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("PORT is %q, which is no port", sp.port)
	}
	return net.JoinHostPort("0.0.0.0", sp.port), nil
}
