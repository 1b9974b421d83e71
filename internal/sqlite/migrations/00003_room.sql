-- +goose NO TRANSACTION
-- From here on the file can give back the room of what was dropped, a few pages at a time. Only VACUUM makes a file so.

-- +goose Up
PRAGMA temp_store = MEMORY;
PRAGMA auto_vacuum = INCREMENTAL;
VACUUM;
PRAGMA temp_store = DEFAULT;
