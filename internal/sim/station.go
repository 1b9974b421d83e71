package sim

import (
	"maps"
	"slices"
	"strconv"

	"hayalet/internal/ocpp"
)

const (
	maxKeys     = 200
	maxKeyChars = 50  // [1.6 §6.8]
	maxValue    = 500 // [1.6 §6.8]
)

// station is what a central system has told a station to remember.
type station struct {
	connectors  int
	config      map[string]string
	listVersion int
	profiles    bool
	reserved    map[int]int // by connector
}

func newStation(connectors int) *station {
	return &station{
		connectors: connectors,
		reserved:   map[int]int{},
		config: map[string]string{
			"ClockAlignedDataInterval":   "0",
			"HeartbeatInterval":          "0",
			"MeterValueSampleInterval":   "0",
			"MeterValuesAlignedData":     energyRegister,
			"MeterValuesSampledData":     energyRegister,
			"NumberOfConnectors":         strconv.Itoa(connectors),
			"SupportedFeatureProfiles":   "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
			"TransactionMessageAttempts": "1",
		},
	}
}

func readOnly(key string) bool {
	return key == "NumberOfConnectors" || key == "SupportedFeatureProfiles"
}

// command answers what depends on the station's memory alone.
func (s *station) command(action string, req request) (any, ocpp.ErrorCode) {
	switch action {
	case "ChangeConfiguration":
		return s.change(req), ""
	case "GetConfiguration":
		return s.configuration(req.Key), ""
	case "SendLocalList":
		s.listVersion = req.ListVersion
		return status("Accepted"), ""
	case "GetLocalListVersion":
		return struct {
			ListVersion int `json:"listVersion"`
		}{s.listVersion}, ""
	case "SetChargingProfile":
		s.profiles = true
		return status("Accepted"), ""
	case "ClearChargingProfile":
		had := s.profiles
		s.profiles = false
		return acceptedIf(had, "Unknown"), ""
	case "CancelReservation":
		return s.cancel(req), ""
	}
	return fixedAnswer(action)
}

// fixedAnswer answers what the station has no part for: it has no files, no schedules and no certificates.
func fixedAnswer(action string) (any, ocpp.ErrorCode) {
	switch action {
	case "ClearCache":
		return status("Accepted"), ""
	case "DataTransfer":
		return status("UnknownVendorId"), ""
	case "UnlockConnector":
		return status("Unlocked"), ""
	case "GetCompositeSchedule", "GetLog", "CertificateSigned", "InstallCertificate", "SignedUpdateFirmware":
		return status("Rejected"), ""
	case "GetInstalledCertificateIds", "DeleteCertificate":
		return status("NotFound"), ""
	case "GetDiagnostics", "UpdateFirmware":
		return struct{}{}, ""
	}
	return nil, ocpp.NotImplemented
}

func (s *station) change(req request) statusOnly {
	if len(req.Key) != 1 || req.Key[0] == "" {
		return status("Rejected")
	}
	key := req.Key[0]
	_, known := s.config[key]
	if readOnly(key) || len(key) > maxKeyChars || len(req.Value) > maxValue || !known && len(s.config) == maxKeys {
		return status("Rejected")
	}
	s.config[key] = req.Value
	return status("Accepted")
}

type keyValue struct {
	Key      string `json:"key"`
	ReadOnly bool   `json:"readonly"`
	Value    string `json:"value"`
}

type configurationAnswer struct {
	Keys    []keyValue `json:"configurationKey"`
	Unknown []string   `json:"unknownKey"`
}

// configuration lists the keys asked for, or all of them [1.6 §5.8].
func (s *station) configuration(keys []string) configurationAnswer {
	if len(keys) == 0 {
		keys = slices.Sorted(maps.Keys(s.config))
	}
	a := configurationAnswer{Keys: []keyValue{}, Unknown: []string{}}
	for _, k := range keys {
		if v, ok := s.config[k]; ok {
			a.Keys = append(a.Keys, keyValue{Key: k, ReadOnly: readOnly(k), Value: v})
		} else {
			a.Unknown = append(a.Unknown, k)
		}
	}
	return a
}

func (s *station) reserve(req request, busy bool) statusOnly {
	_, taken := s.reserved[req.Connector]
	switch {
	case req.Connector < 0 || req.Connector > s.connectors:
		return status("Rejected")
	case busy || taken && s.reserved[req.Connector] != req.ReservationID:
		return status("Occupied")
	}
	s.reserved[req.Connector] = req.ReservationID
	return status("Accepted")
}

func (s *station) cancel(req request) statusOnly {
	for connector, id := range s.reserved {
		if id == req.ReservationID {
			delete(s.reserved, connector)
			return status("Accepted")
		}
	}
	return status("Rejected")
}
