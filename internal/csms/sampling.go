package csms

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"hayalet"
	"hayalet/internal/ocpp/tolerant"
	"hayalet/internal/ocpp/v16"
	"hayalet/internal/ocpp/v201"
)

// maxConfigValue is the longest value of a configuration key in characters [1.6 §6.9]. A variable of 2.x takes more.
const maxConfigValue = 500

// Sampling is what a station is told to measure, after each boot. Many stations are blind while idle unless told. A zero
// field leaves the station's own setting.
type Sampling struct {
	ClockAlignedInterval time.Duration // whole seconds
	AlignedData          []string      // measurands
	SampleInterval       time.Duration // whole seconds
	SampledData          []string      // measurands
}

// Validate reports what a station could not be told; the error wraps hayalet.ErrInvalid.
func (s Sampling) Validate() error {
	for _, d := range []time.Duration{s.ClockAlignedInterval, s.SampleInterval} {
		if d < 0 || d%time.Second != 0 || d > math.MaxInt32*time.Second {
			return fmt.Errorf("sampling interval %v: want whole seconds: %w", d, hayalet.ErrInvalid)
		}
	}
	for _, list := range [][]string{s.AlignedData, s.SampledData} {
		if len(strings.Join(list, ",")) > maxConfigValue {
			return fmt.Errorf("measurands: more than %d characters: %w", maxConfigValue, hayalet.ErrInvalid)
		}
	}
	return nil
}

// setting is one change that is sent to a station.
type setting struct {
	name, value string // for people
	action      string
	payload     any
	status      func(answer []byte) string // what became of it
	optional    bool                       // a station that does not know it has it in force
}

// inForce is the status of a change that needs nothing more, in every version.
const inForce = "Accepted"

// settings16 are the changes in the order in which they are sent [1.6 §9.1].
func settings16(s Sampling) []setting {
	return s.settings(func(name, value string) setting {
		return setting{
			name: name, value: value, action: v16.ChangeConfiguration, status: status16,
			payload: v16.ChangeConfigurationRequest{Key: name, Value: value},
		}
	}, v16.ClockAlignedDataInterval, v16.MeterValuesAlignedData, v16.MeterValueSampleInterval, v16.MeterValuesSampledData)
}

func status16(answer []byte) string {
	var resp v16.ChangeConfigurationResponse
	_ = tolerant.Unmarshal(answer, &resp) // what cannot be read has no status
	return string(resp.Status)
}

// settings2 are the changes in the order in which they are sent [2.0.1 J]. Each goes alone, for a station may take no more
// at once. An interval is followed by the switch without which some stations send nothing; many have none.
func settings2(s Sampling) []setting {
	change := func(name, value string) setting {
		component, variable, _ := strings.Cut(name, ".")
		return setting{
			name: name, value: value, action: v201.SetVariables, status: status2,
			payload: v201.SetVariablesRequest{SetVariableData: []v201.SetVariableData{{
				AttributeValue: value, Component: v201.Named{Name: component}, Variable: v201.Named{Name: variable},
			}}},
		}
	}
	list := s.settings(change,
		v201.AlignedDataCtrlr+"."+v201.Interval, v201.AlignedDataCtrlr+"."+v201.Measurands,
		v201.SampledDataCtrlr+"."+v201.TxUpdatedInterval, v201.SampledDataCtrlr+"."+v201.TxUpdatedMeasurands)
	enable := func(interval time.Duration, component string) {
		if interval > 0 {
			on := change(component+"."+v201.Enabled, "true")
			on.optional = true
			list = append(list, on)
		}
	}
	enable(s.ClockAlignedInterval, v201.AlignedDataCtrlr)
	enable(s.SampleInterval, v201.SampledDataCtrlr)
	return list
}

func status2(answer []byte) string {
	var resp v201.SetVariablesResponse
	if err := tolerant.Unmarshal(answer, &resp); err != nil || len(resp.SetVariableResult) != 1 {
		return ""
	}
	return string(resp.SetVariableResult[0].AttributeStatus)
}

// settings makes the changes that are wanted, under the names that a version has for them.
func (s Sampling) settings(change func(name, value string) setting, alignedInterval, aligned, sampleInterval, sampled string) []setting {
	var list []setting
	add := func(name, value string) {
		if value != "" && value != "0" {
			list = append(list, change(name, value))
		}
	}
	add(alignedInterval, seconds(s.ClockAlignedInterval))
	add(aligned, strings.Join(s.AlignedData, ","))
	add(sampleInterval, seconds(s.SampleInterval))
	add(sampled, strings.Join(s.SampledData, ","))
	return list
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// startSampling sets the sampling in the background, once a connection. It ends with the peer.
func (p *Peer) startSampling() {
	settings := p.speaks.settings(p.csms.cfg.Sampling)
	p.mu.Lock()
	again := p.samplingSet
	p.samplingSet = true
	p.mu.Unlock()
	if len(settings) == 0 || again {
		return
	}
	p.wg.Go(func() {
		for i := range settings {
			if p.ctx.Err() != nil {
				return
			}
			p.set(&settings[i])
		}
	})
}

func (p *Peer) set(s *setting) {
	log := p.log().With("key", s.name, "value", s.value)
	payload, err := json.Marshal(s.payload)
	if err != nil {
		log.Error("set sampling", "error", err)
		return
	}
	answer, err := p.command(p.ctx, s.action, payload)
	if err != nil {
		log.Warn("set sampling", "error", err)
		return
	}
	switch status := s.status(answer); {
	case status == inForce:
		log.Info("sampling set")
	case s.optional && (status == string(v201.VariableUnknownVariable) || status == string(v201.VariableUnknownComponent)):
		log.Debug("the station has no such switch")
	default:
		log.Warn("sampling not in force", "status", fmt.Sprintf("%.64s", status))
	}
}
