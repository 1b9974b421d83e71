-- +goose Up
-- The journal. Row 0 of block is where the chain begins, no block of its own, so that every block has one before it.
-- bytes is the size of all bodies and stations up to and with this one, dropped or not; newest_at is the greatest last_at
-- up to here, and back is the furthest that any block up to here begins before the newest_at of the one before: with them
-- a time is found by bisection, whatever the clock did.
CREATE TABLE block (
    number    INTEGER NOT NULL PRIMARY KEY,
    first_pos INTEGER NOT NULL,
    frames    INTEGER NOT NULL,
    first_at  INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    newest_at INTEGER NOT NULL,
    back      INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    header    BLOB    NOT NULL,
    stations  BLOB
) STRICT;
INSERT INTO block (number, first_pos, frames, first_at, last_at, newest_at, back, bytes, header) VALUES (0, 1, 0, 0, 0, 0, 0, 0, x'');

-- The bodies stand apart, so that whoever looks through the blocks does not read them, and dropping one frees its pages.
CREATE TABLE block_body (
    number INTEGER NOT NULL PRIMARY KEY,
    body   BLOB    NOT NULL
) STRICT;

-- What is there of the readings, and what has gone of the frames: counting them would take too long. longest is the
-- greatest time from the first to the last reading of a row.
CREATE TABLE tally (
    kind    TEXT    NOT NULL PRIMARY KEY,
    records INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    longest INTEGER NOT NULL
) STRICT;
INSERT INTO tally (kind, records, bytes, longest) VALUES ('series', 0, 0, 0), ('frames dropped', 0, 0, 0);

-- Rows come in the order of time, and so does the index: a key that begins with the station would touch a page a row.
CREATE TABLE series (
    id      INTEGER NOT NULL PRIMARY KEY,
    station TEXT    NOT NULL,
    from_at INTEGER NOT NULL,
    to_at   INTEGER NOT NULL,
    hash    INTEGER NOT NULL,
    body    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX series_time ON series (to_at, station, from_at, hash);

ALTER TABLE snapshot ADD COLUMN pos INTEGER NOT NULL DEFAULT 0;

CREATE TABLE mark (
    id  INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    pos INTEGER NOT NULL
) STRICT;
INSERT INTO mark (id, pos) VALUES (1, 0);

-- ended_at repeats what the body says, in RFC 3339 with up to six decimals; 0 while the incident is open.
ALTER TABLE incident ADD COLUMN ended_at INTEGER NOT NULL DEFAULT 0;
UPDATE incident SET ended_at = unixepoch(substr(body ->> 'ended_at', 1, 19)) * 1000000
    + CAST(substr(replace(substr(body ->> 'ended_at', 21), 'Z', '') || '000000', 1, 6) AS INTEGER)
    WHERE body ->> 'ended_at' IS NOT NULL;
CREATE INDEX incident_ended ON incident (ended_at, key) WHERE running = 0;

CREATE TABLE incident_history (
    key  TEXT    NOT NULL,
    rev  INTEGER NOT NULL,
    body TEXT    NOT NULL,
    PRIMARY KEY (key, rev)
) STRICT, WITHOUT ROWID;

CREATE INDEX book_ended ON book (stop_at, id) WHERE stop_at IS NOT NULL;

CREATE TABLE told (
    key      TEXT    NOT NULL PRIMARY KEY,
    severity INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX told_at ON told (at, key);

CREATE TABLE audit (
    id      INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at, id);

-- until_at is 0 while the exception is in force.
CREATE TABLE exception (
    id       INTEGER NOT NULL PRIMARY KEY,
    name     TEXT    NOT NULL,
    body     BLOB    NOT NULL,
    since_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX exception_in_force ON exception (name) WHERE until_at = 0;

CREATE TABLE anchor (
    block     INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    key       BLOB    NOT NULL,
    signature BLOB    NOT NULL,
    PRIMARY KEY (block, at, signature)
) STRICT, WITHOUT ROWID;
