package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"hayalet"
)

// explain turns what a server or the way to it says into one line with what to do. It leaves other errors as they are.
func explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refusal(pe)
	}
	if ce, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return unreachable(ce)
	}
	for _, broken := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed, pgconn.ErrConnClosed, driver.ErrBadConn} {
		if errors.Is(err, broken) {
			return fmt.Errorf("the connection to PostgreSQL broke (%w); see that its server runs", broken)
		}
	}
	return err
}

// refusal says what to do about an error of the server's.
func refusal(pe *pgconn.PgError) error {
	advice := map[string]string{
		"28P01": "correct the user or the password of the URL",
		"28000": "correct the user of the URL, or let it in by the server's pg_hba.conf",
		"3D000": "create it (CREATE DATABASE) or give another",
		"42501": "let this user do so (GRANT CREATE ON DATABASE), or make it the database's owner",
		"53100": "make room on the server's disk",
		"53300": "raise max_connections of the server, or end other programs' connections",
		"53400": "raise the server's limits",
		"58030": "see to the server's disk",
		"25006": "give the URL of the primary, which can be written to",
		"57014": "it took too long; see what keeps the server busy, or who holds locks (pg_stat_activity)",
		"57P01": "PostgreSQL ends; start it again",
		"57P02": "PostgreSQL has crashed; see its log",
		"57P03": "PostgreSQL is starting or ending; try again in a while",
		"XX001": "the server's data are damaged; restore them from a backup",
		"XX002": "an index of the server is damaged; REINDEX it",
	}[pe.Code]
	if advice == "" {
		return fmt.Errorf("%s (SQLSTATE %s)", flat(pe.Message), pe.Code)
	}
	err := fmt.Errorf("%s (SQLSTATE %s); %s", flat(pe.Message), pe.Code, advice)
	if pe.Code == "57P03" {
		return passing{err}
	}
	return err
}

// passing is an error that goes away by itself.
type passing struct{ error }

func (passing) Is(target error) bool { return target == hayalet.ErrUnavailable }

// unreachable says why there is no connection.
func unreachable(ce *pgconn.ConnectError) error {
	at := net.JoinHostPort(ce.Config.Host, fmt.Sprint(ce.Config.Port))
	if strings.HasPrefix(ce.Config.Host, "/") {
		at = fmt.Sprintf("the socket of port %d in %s", ce.Config.Port, ce.Config.Host)
	}
	switch dns, unknown := errors.AsType[*net.DNSError](ce); {
	case unknown && dns.IsNotFound:
		return fmt.Errorf("there is no host %s; correct the URL", ce.Config.Host)
	case errors.Is(ce, syscall.ECONNREFUSED), errors.Is(ce, os.ErrNotExist):
		return fmt.Errorf("no PostgreSQL listens at %s; start it or correct the URL", at)
	case errors.Is(ce, syscall.ECONNRESET), errors.Is(ce, syscall.EPIPE), errors.Is(ce, io.EOF), errors.Is(ce, io.ErrUnexpectedEOF):
		return fmt.Errorf("PostgreSQL at %s breaks connections off as they are made; see that its server runs", at)
	case errors.Is(ce, os.ErrPermission):
		return fmt.Errorf("this user may not use %s; correct its permissions or the URL", at)
	case errors.Is(ce, context.DeadlineExceeded), errors.Is(ce, os.ErrDeadlineExceeded):
		return fmt.Errorf("PostgreSQL at %s does not answer in time; see that its server runs and that the way to it is open", at)
	}
	return fmt.Errorf("no connection to PostgreSQL at %s: %s", at, flat(bare(ce).Error()))
}

// bare is the innermost error: the outer ones show the whole connection string again.
func bare(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}

// flat is the text in one line.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }
