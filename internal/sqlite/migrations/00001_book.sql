-- Times are microseconds since the Unix epoch, UTC; 0 is unknown. Energies of the book are Wh as the station wrote them.

-- +goose Up
CREATE TABLE station (
    station    TEXT    NOT NULL PRIMARY KEY,
    vendor     TEXT    NOT NULL,
    model      TEXT    NOT NULL,
    serial     TEXT    NOT NULL,
    firmware   TEXT    NOT NULL,
    protocol   TEXT    NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    last_boot  INTEGER NOT NULL
) STRICT;

-- next is the first transaction id that nobody has reserved.
CREATE TABLE counter (
    name TEXT    NOT NULL PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT;
INSERT INTO counter (name, next) VALUES ('transaction', 1);

-- The columns of the stop are NULL while the transaction runs.
CREATE TABLE book (
    id              INTEGER NOT NULL PRIMARY KEY,
    station         TEXT    NOT NULL,
    connector       INTEGER NOT NULL,
    token           TEXT    NOT NULL,
    meter           INTEGER NOT NULL,
    claimed_at      TEXT    NOT NULL,
    at              INTEGER NOT NULL,
    stop_meter      INTEGER,
    stop_claimed_at TEXT,
    stop_reason     TEXT,
    stop_at         INTEGER
) STRICT;
CREATE INDEX book_newest ON book (station, at, id);

-- The natural key of a start. One without a time of its own means the same transaction only while that one runs.
CREATE UNIQUE INDEX book_start ON book (station, connector, token, meter, claimed_at) WHERE claimed_at <> '';
CREATE UNIQUE INDEX book_start_untimed ON book (station, connector, token, meter) WHERE claimed_at = '' AND stop_at IS NULL;

-- body is the incident's canonical JSON; the other columns repeat what queries need.
CREATE TABLE incident (
    key       TEXT    NOT NULL PRIMARY KEY,
    rev       INTEGER NOT NULL,
    station   TEXT    NOT NULL,
    severity  INTEGER NOT NULL,
    running   INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    body      TEXT    NOT NULL
) STRICT;
CREATE INDEX incident_opened ON incident (opened_at, key);
CREATE INDEX incident_station ON incident (station, opened_at, key);

CREATE TABLE snapshot (
    station TEXT    NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    body    BLOB    NOT NULL
) STRICT;
