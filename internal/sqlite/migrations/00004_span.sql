-- +goose Up
-- from_at and to_at are an incident's time, which retention asks for: from the earliest of opened_at, first_at and baseline_at to
-- the latest of updated_at, ended_at and last_at, or to the greatest integer while it is open. The body says these in RFC 3339
-- with up to six decimals.
ALTER TABLE incident ADD COLUMN from_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN to_at INTEGER NOT NULL DEFAULT 9223372036854775807;
WITH said AS (
    SELECT incident.key AS key, member.key AS name, unixepoch(substr(member.value, 1, 19)) * 1000000
        + CAST(substr(replace(substr(member.value, 21), 'Z', '') || '000000', 1, 6) AS INTEGER) AS at
    FROM incident, json_each(incident.body) AS member
    WHERE member.key IN ('first_at', 'baseline_at', 'updated_at', 'ended_at', 'last_at')
), span AS (
    SELECT key, min(at) FILTER (WHERE name IN ('first_at', 'baseline_at')) AS since,
        max(at) FILTER (WHERE name IN ('updated_at', 'ended_at', 'last_at')) AS until
    FROM said GROUP BY key
)
UPDATE incident SET from_at = min(opened_at, coalesce(span.since, opened_at)),
    to_at = CASE WHEN running = 1 THEN to_at ELSE max(ended_at, coalesce(span.until, ended_at)) END
    FROM span WHERE span.key = incident.key;
