-- +goose Up
-- What retention has dropped of the chain: blocks from between two anchored ones, and a signature that says so.
CREATE TABLE hole (
    first_block INTEGER NOT NULL,
    last_block  INTEGER NOT NULL,
    hash_before BLOB    NOT NULL,
    hash_after  BLOB    NOT NULL,
    at          INTEGER NOT NULL,
    reason      TEXT    NOT NULL,
    key         BLOB    NOT NULL,
    signature   BLOB    NOT NULL,
    PRIMARY KEY (first_block, at, signature)
) STRICT, WITHOUT ROWID;

INSERT INTO tally (kind, records, bytes, longest) VALUES ('blocks dropped', 0, 0, 0);
