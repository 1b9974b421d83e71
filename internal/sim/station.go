package sim

// station is what a central system has told a station to remember, in any version.
type station struct {
	connectors  int
	listVersion int
	profiles    bool
	reserved    map[int]int // by connector
}

func newStation(connectors int) *station {
	return &station{connectors: connectors, reserved: map[int]int{}}
}

func (s *station) has(connector int) bool { return connector >= 0 && connector <= s.connectors }

func (s *station) reserve(connector, id int, busy bool) statusOnly {
	_, taken := s.reserved[connector]
	switch {
	case !s.has(connector):
		return status("Rejected")
	case busy || taken && s.reserved[connector] != id:
		return status("Occupied")
	}
	s.reserved[connector] = id
	return status("Accepted")
}

func (s *station) cancel(id int) statusOnly {
	for connector, reserved := range s.reserved {
		if reserved == id {
			delete(s.reserved, connector)
			return status("Accepted")
		}
	}
	return status("Rejected")
}

func (s *station) clearProfiles() statusOnly {
	had := s.profiles
	s.profiles = false
	return acceptedIf(had, "Unknown")
}
