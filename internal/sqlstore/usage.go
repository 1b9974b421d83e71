package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"hayalet"
)

// usages ask what each kind takes. Frames and series are counted as they come and go; the other tables are read through.
// Frames are told without the headers of their blocks, which stay longer: the chain is the header and eight numbers for each
// block, and all headers are of one size.
func usages() map[string]string {
	return map[string]string{
		"frames": `first_pos + frames - 1 - dropped.records, block.bytes - dropped.bytes,
				coalesce((SELECT first_at FROM block WHERE number = (SELECT min(number) FROM block_body)), 0)
			FROM block, tally AS dropped WHERE number = (SELECT max(number) FROM block) AND kind = 'frames dropped'`,
		"chain": `number - dropped.records, (number - dropped.records) * (64 + octet_length(header)),
				coalesce((SELECT first_at FROM block WHERE number = (SELECT min(number) FROM block WHERE number > 0)), 0)
			FROM block, tally AS dropped WHERE number = (SELECT max(number) FROM block) AND kind = 'blocks dropped'`,
		"series": `records, bytes, coalesce((SELECT min(to_at) FROM series), 0) FROM tally WHERE kind = 'series'`,
		"incidents": `count(*), coalesce(sum(octet_length(body)), 0)
				+ (SELECT coalesce(sum(octet_length(body)), 0) FROM incident_history), coalesce(min(opened_at), 0)
			FROM incident`,
		"transactions": `count(*), coalesce(sum(64 + octet_length(station) + octet_length(token) + octet_length(claimed_at)
				+ coalesce(octet_length(stop_claimed_at) + octet_length(stop_reason), 0)), 0), coalesce(min(at), 0)
			FROM book`,
		"audit": `count(*), coalesce(sum(8 + octet_length(actor) + octet_length(action) + octet_length(subject)
				+ octet_length(detail)), 0), coalesce(min(at), 0)
			FROM audit`,
	}
}

// Use tells what is kept of these kinds, or of each: frames, the chain of their blocks, series, incidents with their history, transactions, audit. The
// oldest series is told by its last reading.
func (s *Store) Use(ctx context.Context, kinds ...string) (map[string]hayalet.Usage, error) {
	all := map[string]hayalet.Usage{}
	var queries []string
	for kind, query := range usages() {
		if len(kinds) == 0 || slices.Contains(kinds, kind) {
			queries = append(queries, `SELECT '`+kind+`', `+query)
		}
	}
	err := s.read(ctx, s.reading, func(rows *sql.Rows) error {
		var (
			kind string
			u    hayalet.Usage
		)
		err := rows.Scan(&kind, &u.Records, &u.Bytes, &u.Oldest)
		all[kind] = u
		return err
	}, strings.Join(queries, " UNION ALL "))
	return all, s.failed(err, "ask what the records take")
}
