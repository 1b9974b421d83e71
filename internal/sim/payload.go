package sim

// The payloads that a station sends. Members stand in the order in which they are written.

type bootPayload struct {
	Model    string `json:"chargePointModel"`
	Serial   string `json:"chargePointSerialNumber,omitempty"`
	Vendor   string `json:"chargePointVendor"`
	Firmware string `json:"firmwareVersion,omitempty"`
}

type authorizePayload struct {
	IDTag string `json:"idTag"`
}

type startPayload struct {
	Connector int    `json:"connectorId"`
	IDTag     string `json:"idTag"`
	Meter     int64  `json:"meterStart"`
	Timestamp string `json:"timestamp"`
}

type stopPayload struct {
	Meter       int64  `json:"meterStop"`
	Reason      string `json:"reason,omitempty"`
	Timestamp   string `json:"timestamp"`
	Transaction int64  `json:"transactionId"`
}

type statusPayload struct {
	Connector int    `json:"connectorId"`
	Error     string `json:"errorCode"`
	Status    string `json:"status"`
	Timestamp string `json:"timestamp"`
}

type meterPayload struct {
	Connector   int          `json:"connectorId"`
	Transaction *int64       `json:"transactionId,omitempty"`
	Values      []meterValue `json:"meterValue"`
}

type meterValue struct {
	Timestamp string         `json:"timestamp"`
	Samples   []sampledValue `json:"sampledValue"`
}

type sampledValue struct {
	Value     string `json:"value"`
	Context   string `json:"context,omitempty"`
	Format    string `json:"format,omitempty"`
	Measurand string `json:"measurand,omitempty"`
	Phase     string `json:"phase,omitempty"`
	Location  string `json:"location,omitempty"`
	Unit      string `json:"unit,omitempty"`
}

type transferPayload struct {
	VendorID  string `json:"vendorId"`
	MessageID string `json:"messageId,omitempty"`
	Data      string `json:"data,omitempty"`
}

type statusOnly struct {
	Status string `json:"status"`
}

// The parts of the central system's answers that a station needs.

type bootAnswer struct {
	Status   string `json:"status"`
	Interval int    `json:"interval"` // seconds
}

type startAnswer struct {
	Transaction *int64 `json:"transactionId"`
	Token       struct {
		Status string `json:"status"`
	} `json:"idTagInfo"`
}

// samples returns the sampled values of one message: the value itself and the extra ones.
func (m *Meter) samples(value Decimal) []sampledValue {
	first := sampledValue{
		Value: value.String(), Context: m.Context, Format: m.Format, Measurand: m.Measurand, Phase: m.Phase,
		Location: m.Location, Unit: m.Unit,
	}
	list := []sampledValue{first}
	extra := func(v *Decimal, measurand, unit string) {
		if v != nil {
			s := sampledValue{Value: v.String(), Context: m.Context, Format: m.Format, Measurand: measurand, Location: m.Location, Unit: unit}
			list = append(list, s)
		}
	}
	extra(m.PowerW, "Power.Active.Import", "W")
	extra(m.CurrentA, "Current.Import", "A")
	return list
}
