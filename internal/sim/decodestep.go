package sim

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// step reads one element of the list of steps.
func (d decoder) step(n *yaml.Node, def Defaults) (Step, error) {
	const hint = "write each step as - name: {…}, as - wait: 1s or - boot: {}"
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return Step{}, d.fail(n.Line, hint, "a step has exactly one key")
	}
	name, body := n.Content[0], n.Content[1]
	do, err := d.action(name, body, def)
	return Step{Line: name.Line, Do: do}, err
}

func (d decoder) action(name, body *yaml.Node, def Defaults) (Action, error) {
	switch name.Value {
	case "boot":
		return d.boot(body, def)
	case "authorize":
		a := Authorize{IDTag: def.IDTag}
		return &a, d.mapping(body, "authorize", []field{{key: "id_tag", to: &a.IDTag}})
	case "start":
		return d.start(body, def)
	case "meter":
		return d.meter(body, def)
	case "stop":
		return d.stop(body)
	case "status":
		return d.status(body)
	case "heartbeat":
		return &Heartbeat{}, d.mapping(body, "heartbeat", nil)
	case "wait":
		return d.wait(body)
	case "disconnect":
		return d.disconnect(body)
	case "reconnect":
		return &Reconnect{}, d.mapping(body, "reconnect", nil)
	case "raw":
		a := Raw{}
		return &a, d.value(body, field{key: "raw", to: &a.Text})
	case "data_transfer":
		return d.dataTransfer(body)
	}
	const hint = "use one of boot, authorize, start, meter, stop, status, heartbeat, wait, disconnect, reconnect, raw, data_transfer"
	return nil, d.fail(name.Line, hint, "unknown step %.40q", name.Value)
}

func (d decoder) boot(n *yaml.Node, def Defaults) (Action, error) {
	a := Boot{Vendor: def.Vendor, Model: def.Model, Firmware: def.Firmware, Serial: def.Serial}
	err := d.mapping(n, "boot", []field{
		{key: "vendor", to: &a.Vendor},
		{key: "model", to: &a.Model},
		{key: "firmware", to: &a.Firmware},
		{key: "serial", to: &a.Serial},
	})
	return &a, err
}

func (d decoder) start(n *yaml.Node, def Defaults) (Action, error) {
	a := Start{Connector: 1, IDTag: def.IDTag}
	err := d.mapping(n, "start", []field{
		{key: "connector", to: &a.Connector},
		{key: "id_tag", to: &a.IDTag},
		{key: "meter_start", to: &a.MeterStart},
	})
	return &a, err
}

func (d decoder) stop(n *yaml.Node) (Action, error) {
	a := Stop{Connector: 1}
	err := d.mapping(n, "stop", []field{
		{key: "connector", to: &a.Connector},
		{key: "meter_stop", to: &a.MeterStop},
		{key: "reason", to: &a.Reason, oneOf: stopReasons()},
		{key: "id", to: &a.Transaction},
	})
	if err == nil && a.Transaction.kind == txNone {
		err = d.fail(n.Line, "write current, stale or a whole number", "a stop has to name a transaction")
	}
	return &a, err
}

func (d decoder) status(n *yaml.Node) (Action, error) {
	a := SetStatus{Connector: 1, Error: "NoError"}
	err := d.mapping(n, "status", []field{
		{key: "connector", to: &a.Connector},
		{key: "status", to: &a.Status, oneOf: statuses()},
		{key: "error", to: &a.Error, oneOf: errorCodes()},
	})
	if err == nil && a.Status == "" {
		err = d.fail(n.Line, "write status: {status: Available}", "status has no status")
	}
	return &a, err
}

func (d decoder) wait(n *yaml.Node) (Action, error) {
	var a Wait
	err := d.value(n, field{key: "wait", to: &a.For})
	if err == nil && a.For < 0 {
		err = d.fail(n.Line, "write a positive duration", "wait: time does not run backwards")
	}
	return &a, err
}

func (d decoder) disconnect(n *yaml.Node) (Action, error) {
	var a Disconnect
	err := d.mapping(n, "disconnect", []field{{key: "for", to: &a.For}})
	if err == nil && a.For < 0 {
		err = d.fail(n.Line, "write a positive duration", "disconnect: time does not run backwards")
	}
	return &a, err
}

func (d decoder) dataTransfer(n *yaml.Node) (Action, error) {
	var a DataTransfer
	err := d.mapping(n, "data_transfer", []field{
		{key: "vendor_id", to: &a.VendorID},
		{key: "message_id", to: &a.MessageID},
		{key: "data", to: &a.Data},
	})
	if err == nil && a.VendorID == "" {
		err = d.fail(n.Line, "write data_transfer: {vendor_id: com.example}", "data_transfer has no vendor_id")
	}
	return &a, err
}

// unwritten is no multiplier.
const unwritten = -100

func (d decoder) meter(n *yaml.Node, def Defaults) (Action, error) {
	a := Meter{
		Connector: 1, Unit: def.Unit, Context: def.Context, Measurand: def.Measurand, Location: def.Location,
		Format: def.Format, Transaction: def.Transaction, Count: 1, Multiplier: unwritten,
	}
	var energy *Decimal
	err := d.mapping(n, "meter", []field{
		{key: "connector", to: &a.Connector},
		{key: "value", to: &a.Value},
		{key: "energy", to: &energy},
		{key: "unit", to: &a.Unit, oneOf: units()},
		{key: "multiplier", to: &a.Multiplier, oneOf: multipliers()},
		{key: "context", to: &a.Context, oneOf: contexts()},
		{key: "measurand", to: &a.Measurand, oneOf: measurands()},
		{key: "phase", to: &a.Phase, oneOf: phases()},
		{key: "location", to: &a.Location, oneOf: locations()},
		{key: "format", to: &a.Format, oneOf: formats()},
		{key: "transaction", to: &a.Transaction},
		{key: "count", to: &a.Count},
		{key: "every", to: &a.Every},
		{key: "increment", to: &a.Increment},
		{key: "power_w", to: &a.PowerW},
		{key: "current_a", to: &a.CurrentA},
		{key: "shift", to: &a.Shift},
		{key: "phantom", to: &a.Phantom},
	})
	if err != nil {
		return nil, err
	}
	if a.Multiplier == unwritten {
		a.Multiplier = 0
		if a.isEnergy() {
			a.Multiplier = def.Multiplier
		}
	}
	return &a, d.checkMeter(n, &a, energy)
}

func (d decoder) checkMeter(n *yaml.Node, a *Meter, energy *Decimal) error {
	switch {
	case a.Count < 1 || a.Count > maxMoves:
		return d.fail(n.Line, "write a count from 1 to "+strconv.Itoa(maxMoves), "meter: bad count %d", a.Count)
	case a.Every < 0 || a.Every == 0 && a.Count > 1:
		return d.fail(n.Line, "write every: 10s beside count", "meter: %d messages need a time between them", a.Count)
	case energy != nil && a.Value != nil:
		return d.fail(n.Line, "write value, in the unit, or energy, in Wh", "meter has both value and energy")
	case !a.isEnergy() && (energy != nil || a.Phantom):
		return d.fail(n.Line, "use measurand "+energyRegister+" in Wh or kWh", "meter: only an energy register has energy or is phantom")
	}
	if energy != nil {
		a.Value = energy
		if a.Unit == unitKWh {
			v, ok := energy.Thousandth()
			if !ok {
				return d.fail(n.Line, "write fewer digits", "meter: energy %s is too long", energy)
			}
			a.Value = &v
		}
	}
	return nil
}
