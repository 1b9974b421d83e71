package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"hayalet"
)

// PutStation creates or updates a station's record. Empty strings and zero times leave what is kept; FirstSeen only
// ever moves back.
func (d *DB) PutStation(ctx context.Context, s hayalet.Station) error {
	_, err := d.writer.ExecContext(ctx, `INSERT INTO station
		(station, vendor, model, serial, firmware, protocol, first_seen, last_seen, last_boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
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
		s.ID, s.Vendor, s.Model, s.Serial, s.Firmware, s.Protocol, s.FirstSeen, s.LastSeen, s.LastBoot)
	if err != nil {
		return fmt.Errorf("put station %q: %w", s.ID, err)
	}
	return nil
}

// Stations returns all records in the order of their ids, compared byte by byte.
func (d *DB) Stations(ctx context.Context) ([]hayalet.Station, error) {
	ss, err := collect(ctx, d.reader, scanStation,
		`SELECT station, vendor, model, serial, firmware, protocol, first_seen, last_seen, last_boot FROM station ORDER BY station`)
	if err != nil {
		return nil, fmt.Errorf("read stations: %w", err)
	}
	return ss, nil
}

func scanStation(rows *sql.Rows) (s hayalet.Station, err error) {
	err = rows.Scan(&s.ID, &s.Vendor, &s.Model, &s.Serial, &s.Firmware, &s.Protocol, &s.FirstSeen, &s.LastSeen, &s.LastBoot)
	return s, err
}
