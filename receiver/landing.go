package receiver

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
)

//go:embed landing
var landingFiles embed.FS

var (
	landingPage   = template.Must(template.ParseFS(landingFiles, "landing/page.html"))
	landingStyle  = landingFile("landing/page.css")
	landingScript = landingFile("landing/page.js")
	landingPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:" +
		"; style-src " + policyHash(landingStyle) + "; script-src " + policyHash(landingScript)
)

func landingFile(name string) string {
	b, err := landingFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(b)
}

// policyHash allows one inline text in a Content-Security-Policy, and no other.
func policyHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

type landingData struct {
	Style        template.CSS
	Script       template.JS
	Endpoints    []landingEndpoint
	AnyPath      bool
	Public       bool // the URLs are ones the Hub may reach
	Secret       bool
	SettingsPage string
}

type landingEndpoint struct{ Name, URL string }

// landing shows what to enter at the Hub. It is for everybody to see, so it
// tells no secret and no delivery.
func (s *Server) landing(w http.ResponseWriter, r *http.Request) {
	if s.o.Landing != nil {
		s.o.Landing.ServeHTTP(w, r)
		return
	}
	page, err := s.landingPage()
	if err != nil {
		s.log.Error("landing page", "err", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	h.Set("Content-Security-Policy", landingPolicy+"; frame-ancestors "+s.framedBy())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(page) // the reader may be gone
}

// madePage is the landing page for one URL of the server.
type madePage struct {
	base *url.URL
	page []byte
}

// landingPage makes the page, which everybody may ask for as often as he
// likes, once for each URL that the server has.
func (s *Server) landingPage() ([]byte, error) {
	base := s.baseURL()
	if made := s.landed.Load(); made != nil && (made.base == base || made.base != nil && base != nil && *made.base == *base) {
		return made.page, nil
	}
	data := landingData{
		Style:        template.CSS(landingStyle),
		Script:       template.JS(landingScript),
		AnyPath:      s.o.AnyPath,
		Public:       base != nil && base != s.local.Load(),
		Secret:       len(s.secrets) > 0,
		SettingsPage: settingsPage,
	}
	for _, name := range s.endpoints() {
		data.Endpoints = append(data.Endpoints, landingEndpoint{name, endpointURL(base, name)})
	}
	if s.o.AnyPath {
		data.Endpoints = append(data.Endpoints, landingEndpoint{"any path", endpointURL(base, "")})
	}
	var page bytes.Buffer
	if err := landingPage.Execute(&page, data); err != nil {
		return nil, err
	}
	s.landed.Store(&madePage{base, page.Bytes()})
	return page.Bytes(), nil
}

// framedBy is who may show the page in a frame: the Hub does so with a Space.
func (s *Server) framedBy() string {
	if s.space.id != "" {
		return "https://huggingface.co"
	}
	return "'none'"
}
