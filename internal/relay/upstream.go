package relay

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"hayalet"
)

// Upstream is a central system, and which stations are its own.
type Upstream struct {
	// Pattern is matched against the request's path where it begins with a slash, else against the station id: path.Match,
	// so * does not cross a slash. Empty matches all.
	Pattern string
	// URL is ws or wss. {station} in it stands for the escaped station id; without it, the request's path is appended. The
	// request's query is appended in any case.
	URL string
}

const stationMark = "{station}"

// ParseUpstream reads URL or PATTERN=URL.
func ParseUpstream(s string) (Upstream, error) {
	u := Upstream{URL: s}
	if !isWebSocket(s) {
		at := 0
		for at < len(s) && !(s[at] == '=' && isWebSocket(s[at+1:])) {
			at++
		}
		if at == len(s) {
			return u, fmt.Errorf("upstream %q: want URL or PATTERN=URL, the URL with ws:// or wss://: %w", Redacted(s), hayalet.ErrInvalid)
		}
		u.Pattern, u.URL = s[:at], s[at+1:]
	}
	return u, u.validate()
}

// Redacted is URL or PATTERN=URL, well written or not, without what may be secret in it: user and query.
func Redacted(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		scheme, rest = "", s
	}
	if at := strings.IndexAny(rest, "?#"); at >= 0 {
		rest = rest[:at]
	}
	end := len(rest) // of user and host, which may hold a slash where they are written wrongly
	if _, err := url.Parse("ws://" + strings.ReplaceAll(rest, stationMark, "station")); ok && err == nil {
		end = strings.IndexByte(rest+"/", '/')
	}
	rest = rest[strings.LastIndexByte(rest[:end], '@')+1:]
	if ok {
		rest = scheme + "://" + rest
	}
	return rest
}

func isWebSocket(s string) bool {
	return strings.HasPrefix(s, "ws://") || strings.HasPrefix(s, "wss://")
}

func (u *Upstream) validate() error {
	if _, err := path.Match(u.Pattern, ""); err != nil {
		return fmt.Errorf("upstream pattern %q: %w: %v", u.Pattern, hayalet.ErrInvalid, err)
	}
	parsed, err := url.Parse(strings.ReplaceAll(u.URL, stationMark, "station"))
	_, rest, _ := strings.Cut(u.URL, "://")
	authority := rest[:strings.IndexAny(rest+"/", "/?#")]
	switch {
	case err != nil || !isWebSocket(u.URL) || parsed.Host == "" || strings.Contains(u.URL, " "):
		return fmt.Errorf("upstream URL: want ws://host/path or wss://host/path: %w", hayalet.ErrInvalid)
	case parsed.User != nil:
		return fmt.Errorf("upstream URL of %s: no user in it; each station's own Authorization is passed on: %w", parsed.Host, hayalet.ErrInvalid)
	case strings.Contains(authority, stationMark):
		return fmt.Errorf("upstream URL: %s cannot be the host: %w", stationMark, hayalet.ErrInvalid)
	case strings.ContainsAny(strings.ReplaceAll(u.URL, stationMark, ""), "{}"):
		return fmt.Errorf("upstream URL of %s: %s is all that stands in braces: %w", parsed.Host, stationMark, hayalet.ErrInvalid)
	case parsed.Fragment != "":
		return fmt.Errorf("upstream URL of %s: no fragment in it: %w", parsed.Host, hayalet.ErrInvalid)
	}
	return nil
}

func (u *Upstream) matches(requestPath string, station hayalet.StationID) bool {
	if u.Pattern == "" {
		return true
	}
	name := string(station)
	if u.Pattern[0] == '/' {
		name = requestPath
	}
	ok, err := path.Match(u.Pattern, name)
	return ok && err == nil
}

// target is one station's address at its upstream.
type target struct {
	*url.URL        // scheme and host
	request  string // path and query, as they are written
}

// route finds the upstream of a request, by its raw target, and the upstream's number.
func (c *Config) route(raw string, station hayalet.StationID) (int, target, error) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }) { // the upstream may take it for a line's end
		return 0, target{}, refuse(http.StatusBadRequest, "the path or query holds a control character")
	}
	rawPath, query, _ := strings.Cut(raw, "?")
	plain, err := url.PathUnescape(rawPath)
	if err != nil {
		return 0, target{}, refuse(http.StatusBadRequest, "the path's percent encoding is broken")
	}
	for i, u := range c.Upstreams {
		if u.matches(plain, station) {
			t, err := u.target(rawPath, query, station)
			return i, t, err
		}
	}
	return 0, target{}, refuse(http.StatusNotFound, "no central system is known for this station")
}

// target keeps the station's bytes as they are: an upstream may tell %2F from a slash, or + from %20.
func (u *Upstream) target(rawPath, query string, station hayalet.StationID) (target, error) {
	escaped := url.PathEscape(string(station))
	parsed, err := url.Parse(strings.ReplaceAll(u.URL, stationMark, escaped))
	if err != nil {
		return target{}, refuse(http.StatusBadGateway, "this station's address at the central system cannot be written")
	}
	_, rest, _ := strings.Cut(u.URL, "://")
	request := ""
	if slash := strings.IndexAny(rest, "/?"); slash >= 0 {
		request = rest[slash:]
	}
	base, own, _ := strings.Cut(request, "?")
	if strings.Contains(u.URL, stationMark) {
		base, own = strings.ReplaceAll(base, stationMark, escaped), strings.ReplaceAll(own, stationMark, url.QueryEscape(string(station)))
	} else {
		base = strings.TrimSuffix(base, "/") + rawPath
	}
	if base == "" {
		base = "/"
	}
	if own != "" && query != "" {
		own += "&"
	}
	if own += query; own != "" {
		base += "?" + own
	}
	return target{URL: parsed, request: base}, nil
}
