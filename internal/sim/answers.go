package sim

import (
	"encoding/json"
	"fmt"

	"hayalet/internal/ocpp"
)

// answer answers a call of the central system.
func (p *player) answer(m ocpp.Message) error {
	p.res.Commands++
	result, code := p.dialect.command(p, m)
	code = code.In(p.o.Protocol)
	var body []byte
	if code == "" {
		var err error
		if body, err = json.Marshal(result); err != nil {
			return fmt.Errorf("encode answer to %s: %w", m.Action, err)
		}
	}
	note := Note{Kind: NoteCommand, Action: m.Action, Text: string(code)}
	data := ocpp.AppendResult(nil, m.ID, body)
	if code != "" {
		data = ocpp.AppendError(nil, m.ID, code, "")
	} else if s, ok := result.(statusOnly); ok {
		note.Text = s.Status
	}
	if err := p.write(data); err != nil {
		return err
	}
	p.note(note)
	return nil
}
