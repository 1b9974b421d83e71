package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
)

// rowsOfOne is how many rows one INSERT holds at most: enough that the way to a server does not count, and few enough for
// SQLite, which looks for each parameter among all.
const rowsOfOne = 25

// insertion is an INSERT of many rows.
type insertion struct {
	head    string // up to VALUES
	columns int
	tail    string // from behind the rows
}

// statement is the text for so many rows.
func (i insertion) statement(rows int) string {
	var b strings.Builder
	b.WriteString(i.head)
	b.WriteString(" VALUES ")
	for n := range rows * i.columns {
		switch {
		case n == 0:
			b.WriteString("($")
		case n%i.columns == 0:
			b.WriteString("), ($")
		default:
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(n + 1))
	}
	b.WriteString(") ")
	b.WriteString(i.tail)
	return b.String()
}

// insert inserts the items, whose columns values gives, and calls got on each row that the tail returns.
func insert[T any](ctx context.Context, tx *sql.Tx, into insertion, items []T, values func([]any, T) []any, got func(*sql.Rows) error) error {
	var (
		stmt *sql.Stmt
		rows int
		args []any
	)
	for chunk := range slices.Chunk(items, rowsOfOne) {
		if len(chunk) != rows {
			var err error
			if stmt, err = tx.PrepareContext(ctx, into.statement(len(chunk))); err != nil { // the end of tx closes it
				return err
			}
			rows = len(chunk)
		}
		args = args[:0]
		for _, item := range chunk {
			args = values(args, item)
		}
		returned, err := stmt.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		if err := drain(returned, got); err != nil {
			return err
		}
	}
	return nil
}
