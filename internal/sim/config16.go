package sim

import (
	"maps"
	"slices"
	"strconv"
)

const (
	maxKeys     = 200
	maxKeyChars = 50  // [1.6 §6.8]
	maxValue    = 500 // [1.6 §6.8]
)

// config16 is a station's configuration, by key.
type config16 map[string]string

func newConfig16(connectors int) config16 {
	return config16{
		"ClockAlignedDataInterval":   "0",
		"HeartbeatInterval":          "0",
		"MeterValueSampleInterval":   "0",
		"MeterValuesAlignedData":     energyRegister,
		"MeterValuesSampledData":     energyRegister,
		"NumberOfConnectors":         strconv.Itoa(connectors),
		"SupportedFeatureProfiles":   "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
		"TransactionMessageAttempts": "1",
	}
}

func readOnly(key string) bool {
	return key == "NumberOfConnectors" || key == "SupportedFeatureProfiles"
}

func (c config16) change(req request16) statusOnly {
	if len(req.Key) != 1 || req.Key[0] == "" {
		return status("Rejected")
	}
	key := req.Key[0]
	_, known := c[key]
	if readOnly(key) || len(key) > maxKeyChars || len(req.Value) > maxValue || !known && len(c) == maxKeys {
		return status("Rejected")
	}
	c[key] = req.Value
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

// answer lists the keys asked for, or all of them [1.6 §5.8].
func (c config16) answer(keys []string) configurationAnswer {
	if len(keys) == 0 {
		keys = slices.Sorted(maps.Keys(c))
	}
	a := configurationAnswer{Keys: []keyValue{}, Unknown: []string{}}
	for _, k := range keys {
		if v, ok := c[k]; ok {
			a.Keys = append(a.Keys, keyValue{Key: k, ReadOnly: readOnly(k), Value: v})
		} else {
			a.Unknown = append(a.Unknown, k)
		}
	}
	return a
}
