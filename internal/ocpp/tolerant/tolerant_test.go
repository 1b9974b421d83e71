package tolerant_test

import (
	"slices"
	"testing"

	"hayalet/internal/ocpp/tolerant"
)

func TestInteger(t *testing.T) {
	for _, tt := range []struct {
		text  string
		value int64
		valid bool
	}{
		{`10`, 10, true},
		{`-1`, -1, true},
		{`10.0`, 10, true},
		{`1e1`, 10, true},
		{`"10"`, 10, true},
		{`" 10.0 "`, 10, true},
		{`9223372036854775807`, 9223372036854775807, true},
		{`70.14`, 70, false},
		{`"-70.9"`, -70, false},
		{`1e300`, 0, false},
		{`9223372036854775808`, 0, false},
		{`"NaN"`, 0, false},
		{`"Inf"`, 0, false},
		{`"ten"`, 0, false},
		{`""`, 0, false},
		{`null`, 0, false},
		{`true`, 0, false},
		{`{"n":1}`, 0, false},
		{`[1]`, 0, false},
	} {
		t.Run(tt.text, func(t *testing.T) {
			var got tolerant.Integer
			if err := tolerant.Unmarshal([]byte(tt.text), &got); err != nil {
				t.Fatal(err)
			}
			if want := (tolerant.Integer{Value: tt.value, Valid: tt.valid}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]tolerant.Text{
		`"A1"`: "A1", `"\u0041\n"`: "A\n", `42`: "42", `true`: "true", `null`: "", `{}`: "", `["A1"]`: "", "\"\xff\"": "\ufffd",
	} {
		var got tolerant.Text
		if err := tolerant.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
}

type token struct {
	ID   tolerant.Text    `json:"idToken"`
	Size tolerant.Integer `json:"size"`
}

func TestObject(t *testing.T) {
	for text, want := range map[string]tolerant.Object[token]{
		`{"idToken":"A1"}`:                  {IsSet: true, Value: token{ID: "A1"}},
		`{"idToken":[1],"size":"7","x":{}}`: {IsSet: true, Value: token{Size: tolerant.Integer{Value: 7, Valid: true}}},
		`{"idToken":"A1","idToken":"B2"}`:   {IsSet: true, Value: token{ID: "B2"}},
		`{}`:                                {IsSet: true},
		`null`:                              {},
		`"A1"`:                              {},
		`[{"idToken":"A1"}]`:                {},
	} {
		var got struct {
			Token tolerant.Object[token] `json:"token"`
			After tolerant.Text          `json:"after"`
		}
		err := tolerant.Unmarshal([]byte(`{"token":`+text+`,"after":"there"}`), &got)
		if err != nil || got.Token != want || got.After != "there" {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

// Of an object written twice the second counts, and nothing of the first is left in it.
func TestObjectWrittenTwice(t *testing.T) {
	var got struct {
		Token tolerant.Object[token] `json:"token"`
	}
	if err := tolerant.Unmarshal([]byte(`{"token":{"idToken":"A1"},"token":{"size":1}}`), &got); err != nil {
		t.Fatal(err)
	}
	if got.Token.Value.ID != "" || !got.Token.Value.Size.Valid {
		t.Errorf("got %+v", got.Token)
	}
}

func TestList(t *testing.T) {
	for text, want := range map[string][]token{
		`[{"idToken":"A1"},{"idToken":"B2"}]`:   {{ID: "A1"}, {ID: "B2"}},
		`[{"idToken":"A1"},7,null,["B2"],[{}]]`: {{ID: "A1"}},
		`{"idToken":"A1"}`:                      {{ID: "A1"}},
		`[]`:                                    nil,
		`null`:                                  nil,
		`"A1"`:                                  nil,
	} {
		var got struct {
			Tokens tolerant.List[token] `json:"tokens"`
		}
		if err := tolerant.Unmarshal([]byte(`{"tokens":`+text+`}`), &got); err != nil || !slices.Equal(got.Tokens, want) {
			t.Errorf("%s: got %+v, %v, want %+v", text, got.Tokens, err, want)
		}
	}
}

func TestUnmarshalWantsAnObject(t *testing.T) {
	for _, text := range []string{``, `[]`, `7`, `{"idToken":}`, `{} {}`} {
		if err := tolerant.Unmarshal([]byte(text), &token{}); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
