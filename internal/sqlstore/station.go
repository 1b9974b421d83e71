package sqlstore

import (
	"context"
	"database/sql"

	"hayalet"
)

// PutStation creates or updates a station's record. Empty strings and zero times leave what is kept; FirstSeen only
// ever moves back.
func (s *Store) PutStation(ctx context.Context, st hayalet.Station) error {
	err := s.exec(ctx, `INSERT INTO station
		(station, vendor, model, serial, firmware, protocol, first_seen, last_seen, last_boot) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (station) DO UPDATE SET
			vendor     = coalesce(nullif(excluded.vendor, ''), station.vendor),
			model      = coalesce(nullif(excluded.model, ''), station.model),
			serial     = coalesce(nullif(excluded.serial, ''), station.serial),
			firmware   = coalesce(nullif(excluded.firmware, ''), station.firmware),
			protocol   = coalesce(nullif(excluded.protocol, ''), station.protocol),
			first_seen = CASE WHEN station.first_seen = 0 OR excluded.first_seen <> 0 AND excluded.first_seen < station.first_seen
				THEN excluded.first_seen ELSE station.first_seen END,
			last_seen  = coalesce(nullif(excluded.last_seen, 0), station.last_seen),
			last_boot  = coalesce(nullif(excluded.last_boot, 0), station.last_boot)`,
		text(st.ID), text(st.Vendor), text(st.Model), text(st.Serial), text(st.Firmware), text(st.Protocol),
		int64(st.FirstSeen), int64(st.LastSeen), int64(st.LastBoot))
	return s.failed(err, "put station %q", st.ID)
}

// Stations returns all records in the order of their ids, compared byte by byte.
func (s *Store) Stations(ctx context.Context) ([]hayalet.Station, error) {
	all, err := collect(ctx, s, scanStation,
		`SELECT station, vendor, model, serial, firmware, protocol, first_seen, last_seen, last_boot FROM station ORDER BY station`)
	return all, s.failed(err, "read stations")
}

func scanStation(rows *sql.Rows) (st hayalet.Station, err error) {
	err = rows.Scan(&st.ID, &st.Vendor, &st.Model, &st.Serial, &st.Firmware, &st.Protocol, &st.FirstSeen, &st.LastSeen, &st.LastBoot)
	return st, err
}
