package gateway

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"hayalet"
)

// maxStationID is in bytes. The standard has 48 characters at most; stations exceed it.
const maxStationID = 255

// StationIDFromPath returns the station id of a request's target: what follows the longest fitting prefix,
// percent-decoded [1.6J §3.1.1]. Prefixes end with a slash. A query is ignored. Empty ids, ids over 255 bytes, and ids
// with a slash, a control character or bytes that are not UTF-8 are refused.
func StationIDFromPath(target string, prefixes []string) (hayalet.StationID, error) {
	path, _, _ := strings.Cut(target, "?")
	best := ""
	for _, p := range prefixes {
		if len(p) > len(best) && strings.HasPrefix(path, p) {
			best = p
		}
	}
	if best == "" {
		return "", errors.New("no stations at this path")
	}
	return stationID(path[len(best):])
}

// lastElement returns the station id of a request's target with any path: its last element, percent-decoded. A slash at
// the end is left out. Elements that lead upwards are refused.
func lastElement(target string) (hayalet.StationID, error) {
	path, _, _ := strings.Cut(target, "?")
	if !strings.HasPrefix(path, "/") {
		return "", errors.New("no stations at this path")
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return "", errors.New("the path's percent encoding is broken")
	}
	for part := range strings.SplitSeq(plain, "/") { // %2F is a slash here too: who stands behind may take it for one
		if part == "." || part == ".." {
			return "", errors.New("the path leads upwards")
		}
	}
	path = strings.TrimSuffix(path, "/")
	return stationID(path[strings.LastIndexByte(path, '/')+1:])
}

func stationID(escaped string) (hayalet.StationID, error) {
	id, err := url.PathUnescape(escaped)
	switch {
	case err != nil:
		return "", errors.New("the path's percent encoding is broken")
	case id == "":
		return "", errors.New("the path ends without a station id")
	case len(id) > maxStationID:
		return "", fmt.Errorf("the station id is longer than %d bytes", maxStationID)
	case strings.Contains(id, "/"):
		return "", errors.New("the station id must be the last element of the path")
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		return "", errors.New("the station id holds a character that cannot be printed")
	}
	return hayalet.StationID(id), nil
}
