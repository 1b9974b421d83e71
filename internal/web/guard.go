package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard lets through whom the configuration allows.
func guard(cfg Config, next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case cfg.Token == "" && cfg.LoopbackOnly && !isLoopback(r.Host):
			writeProblem(w, &Problem{
				Status: http.StatusForbidden, Title: "Forbidden host",
				Detail: fmt.Sprintf("host %q is not a loopback name or address; use 127.0.0.1, or configure a token", r.Host),
			})
		case cfg.Token != "" && !isProbe(r) && !bears(r, cfg.Token):
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeProblem(w, &Problem{Status: http.StatusUnauthorized, Title: "Unauthorized", Detail: "the bearer token is missing or wrong"})
		case origins.Check(r) != nil:
			writeProblem(w, &Problem{Status: http.StatusForbidden, Title: "Forbidden origin", Detail: "a page of another site may not send this"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func isProbe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// bears reports whether the request carries the token. Both sides are hashed, so that the time tells nothing of either,
// its length included.
func bears(r *http.Request, token string) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, got := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(given))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// isLoopback reports whether the Host header, with or without a port, names this machine to itself.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// noRoute writes the mux's own errors, for a path or a method without a route, as problems.
func noRoute(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		says := answer{header: http.Header{}}
		h.ServeHTTP(&says, r)
		if allow := says.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
		}
		writeProblem(w, &Problem{
			Status: says.status, Title: http.StatusText(says.status), Detail: fmt.Sprintf("there is no %s %s", r.Method, r.URL.Path),
		})
	})
}

// answer takes what a handler says and keeps no body.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
