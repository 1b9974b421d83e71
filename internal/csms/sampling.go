package csms

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"hayalet"
	"hayalet/internal/ocpp/v16"
)

// maxConfigValue is the longest value of a configuration key in characters [1.6 §6.9].
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

// settings are the changes in the order in which they are sent.
func (s Sampling) settings() []v16.ChangeConfigurationRequest {
	var list []v16.ChangeConfigurationRequest
	add := func(key, value string) {
		if value != "" && value != "0" {
			list = append(list, v16.ChangeConfigurationRequest{Key: key, Value: value})
		}
	}
	add(v16.ClockAlignedDataInterval, seconds(s.ClockAlignedInterval))
	add(v16.MeterValuesAlignedData, strings.Join(s.AlignedData, ","))
	add(v16.MeterValueSampleInterval, seconds(s.SampleInterval))
	add(v16.MeterValuesSampledData, strings.Join(s.SampledData, ","))
	return list
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// startSampling sets the sampling in the background, once a connection. It ends with the peer.
func (p *Peer) startSampling() {
	settings := p.csms.cfg.Sampling.settings()
	p.mu.Lock()
	again := p.samplingSet
	p.samplingSet = true
	p.mu.Unlock()
	if len(settings) == 0 || again {
		return
	}
	p.wg.Go(func() {
		for _, s := range settings {
			if p.ctx.Err() != nil {
				return
			}
			p.set(s)
		}
	})
}

func (p *Peer) set(s v16.ChangeConfigurationRequest) {
	log := p.log.With("key", s.Key, "value", s.Value)
	payload, err := json.Marshal(s)
	if err != nil {
		log.Error("set sampling", "error", err)
		return
	}
	raw, err := p.command(p.ctx, v16.ChangeConfiguration, payload)
	if err != nil {
		log.Warn("set sampling", "error", err)
		return
	}
	var resp v16.ChangeConfigurationResponse
	if err := json.Unmarshal(raw, &resp, tolerant()); err != nil || resp.Status != v16.ConfigurationAccepted {
		log.Warn("sampling not in force", "status", resp.Status)
		return
	}
	log.Info("sampling set")
}
