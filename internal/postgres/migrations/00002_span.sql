-- +goose Up
-- The span of an incident, as SQLite's 00004 has it. The body is ours, without blanks; PostgreSQL's own functions for JSON refuse
-- one in which a station wrote \u0000. What is no time of these years is left out.
ALTER TABLE incident ADD COLUMN from_at BIGINT NOT NULL DEFAULT 0, ADD COLUMN to_at BIGINT NOT NULL DEFAULT 9223372036854775807;
WITH said AS (
    SELECT key, name, CAST(extract(epoch FROM CAST(substring(body FROM '"' || name || '":"([1-9][0-9]{3}-[^"]*)"') AS timestamptz)) * 1000000 AS BIGINT) AS at
    FROM incident, unnest(ARRAY['first_at', 'baseline_at', 'updated_at', 'ended_at', 'last_at']) AS name
), span AS (
    SELECT key, min(at) FILTER (WHERE name IN ('first_at', 'baseline_at')) AS since,
        max(at) FILTER (WHERE name IN ('updated_at', 'ended_at', 'last_at')) AS until
    FROM said GROUP BY key
)
UPDATE incident SET from_at = least(opened_at, span.since),
    to_at = CASE WHEN running = 1 THEN to_at ELSE greatest(ended_at, span.until) END
    FROM span WHERE span.key = incident.key;
