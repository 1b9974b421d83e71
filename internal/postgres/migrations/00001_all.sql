-- What stands here stands in the migrations of SQLite, too, with the same names and the same reasons. Times are
-- microseconds since the Unix epoch, UTC; 0 is unknown. Texts compare by their bytes, whatever the database's locale.

-- +goose Up
CREATE TABLE station (
    station    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    vendor     TEXT   NOT NULL,
    model      TEXT   NOT NULL,
    serial     TEXT   NOT NULL,
    firmware   TEXT   NOT NULL,
    protocol   TEXT   NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    last_boot  BIGINT NOT NULL
);

-- next is the first transaction id that nobody has reserved.
CREATE TABLE counter (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    next BIGINT NOT NULL
);
INSERT INTO counter (name, next) VALUES ('transaction', 1);

-- The columns of the stop are NULL while the transaction runs.
CREATE TABLE book (
    id              BIGINT NOT NULL PRIMARY KEY,
    station         TEXT COLLATE "C" NOT NULL,
    connector       BIGINT NOT NULL,
    token           TEXT COLLATE "C" NOT NULL,
    meter           BIGINT NOT NULL,
    claimed_at      TEXT COLLATE "C" NOT NULL,
    at              BIGINT NOT NULL,
    stop_meter      BIGINT,
    stop_claimed_at TEXT,
    stop_reason     TEXT,
    stop_at         BIGINT
);
CREATE INDEX book_newest ON book (station, at, id);
CREATE INDEX book_ended ON book (stop_at, id) WHERE stop_at IS NOT NULL;

-- The natural key of a start. One without a time of its own means the same transaction only while that one runs.
CREATE UNIQUE INDEX book_start ON book (station, connector, token, meter, claimed_at) WHERE claimed_at <> '';
CREATE UNIQUE INDEX book_start_untimed ON book (station, connector, token, meter) WHERE claimed_at = '' AND stop_at IS NULL;

-- body is the incident's canonical JSON, as text: jsonb would write it in its own way. The other columns repeat what
-- queries need.
CREATE TABLE incident (
    key       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    rev       BIGINT NOT NULL,
    station   TEXT COLLATE "C" NOT NULL,
    severity  BIGINT NOT NULL,
    running   BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    ended_at  BIGINT NOT NULL,
    body      TEXT   NOT NULL
);
CREATE INDEX incident_opened ON incident (opened_at, key);
CREATE INDEX incident_station ON incident (station, opened_at, key);
CREATE INDEX incident_ended ON incident (ended_at, key) WHERE running = 0;

CREATE TABLE incident_history (
    key  TEXT COLLATE "C" NOT NULL,
    rev  BIGINT NOT NULL,
    body TEXT   NOT NULL,
    PRIMARY KEY (key, rev)
);

CREATE TABLE snapshot (
    station TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    pos     BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA  NOT NULL
);

CREATE TABLE mark (
    id  BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    pos BIGINT NOT NULL
);
INSERT INTO mark (id, pos) VALUES (1, 0);

-- The journal. Row 0 of block is where the chain begins, no block of its own, so that every block has one before it.
-- bytes is the size of all bodies and stations up to and with this one, dropped or not; newest_at is the greatest last_at
-- up to here, and back is the furthest that any block up to here begins before the newest_at of the one before: with them
-- a time is found by bisection, whatever the clock did.
CREATE TABLE block (
    number    BIGINT NOT NULL PRIMARY KEY,
    first_pos BIGINT NOT NULL,
    frames    BIGINT NOT NULL,
    first_at  BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    newest_at BIGINT NOT NULL,
    back      BIGINT NOT NULL,
    bytes     BIGINT NOT NULL,
    header    BYTEA  NOT NULL,
    stations  BYTEA
);
INSERT INTO block (number, first_pos, frames, first_at, last_at, newest_at, back, bytes, header) VALUES (0, 1, 0, 0, 0, 0, 0, 0, '');

-- The bodies are compressed already: EXTERNAL spares the server the try.
CREATE TABLE block_body (
    number BIGINT NOT NULL PRIMARY KEY,
    body   BYTEA  NOT NULL
);
ALTER TABLE block_body ALTER COLUMN body SET STORAGE EXTERNAL;

-- What is there of the readings, and what has gone of the frames: counting them would take too long. longest is the
-- greatest time from the first to the last reading of a row.
CREATE TABLE tally (
    kind    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    records BIGINT NOT NULL,
    bytes   BIGINT NOT NULL,
    longest BIGINT NOT NULL
);
INSERT INTO tally (kind, records, bytes, longest) VALUES ('series', 0, 0, 0), ('frames dropped', 0, 0, 0);

-- Rows come in the order of time, and so does the index.
CREATE TABLE series (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station TEXT COLLATE "C" NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT NOT NULL,
    hash    BIGINT NOT NULL,
    body    BYTEA  NOT NULL
);
CREATE UNIQUE INDEX series_time ON series (to_at, station, from_at, hash);

CREATE TABLE told (
    key      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    severity BIGINT NOT NULL,
    state    BIGINT NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX told_at ON told (at, key);

CREATE TABLE audit (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,
    action  TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    detail  TEXT   NOT NULL
);
CREATE INDEX audit_at ON audit (at, id);

-- until_at is 0 while the exception is in force.
CREATE TABLE exception (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     TEXT COLLATE "C" NOT NULL,
    body     BYTEA  NOT NULL,
    since_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX exception_in_force ON exception (name) WHERE until_at = 0;

CREATE TABLE anchor (
    block     BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    hash      BYTEA  NOT NULL,
    key       BYTEA  NOT NULL,
    signature BYTEA  NOT NULL,
    PRIMARY KEY (block, at, signature)
);
