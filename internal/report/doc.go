// Package report writes what was found for people: alarms and incidents as lines for a terminal, and the report of a
// demo as Markdown, as one HTML page and as a picture.
//
// It only formats: it reads no clock, opens no file and fetches nothing. What a station can choose (its id, its frames)
// is text in every format, never markup. Sentences come from the catalogue of package lang.
package report
