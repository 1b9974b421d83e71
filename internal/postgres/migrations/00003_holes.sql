-- +goose Up
-- What retention has dropped of the chain: blocks from between two anchored ones, and a signature that says so.
CREATE TABLE hole (
    first_block BIGINT NOT NULL,
    last_block  BIGINT NOT NULL,
    hash_before BYTEA  NOT NULL,
    hash_after  BYTEA  NOT NULL,
    at          BIGINT NOT NULL,
    reason      TEXT   NOT NULL,
    key         BYTEA  NOT NULL,
    signature   BYTEA  NOT NULL,
    PRIMARY KEY (first_block, at, signature)
);

INSERT INTO tally (kind, records, bytes, longest) VALUES ('blocks dropped', 0, 0, 0);
