package jsonread_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"hayalet/internal/jsonread"
)

func TestReaderWalksObject(t *testing.T) {
	r := jsonread.New([]byte(` { "a" : "x\u0041\n\ud83d\ude00" , "b":[1,-2.5e3,[]], "c":{"d":null}, "e":true } `))
	var got []string
	if !r.Object() {
		t.Fatal("no object")
	}
	for r.More() {
		key := string(r.Key())
		switch r.Kind() {
		case '"':
			s, _ := r.String()
			got = append(got, key+"="+string(s))
		case '[':
			n := 0
			for r.Array(); r.More(); n++ {
				if num, ok := r.Number(); ok {
					got = append(got, string(num))
				} else {
					r.Skip()
				}
			}
		default:
			got = append(got, key+"="+string(r.Skip()))
		}
	}
	want := "a=xA\n😀|1|-2.5e3|c={\"d\":null}|e=true"
	if strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
	if !r.End() {
		t.Errorf("not at the end: %v", r.Err())
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, text := range []string{
		``, `{`, `[1,]`, `[1 2]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `[01]`, `[1.]`, `[-]`, `["\x"]`, "[\"\n\"]", `[tru]`, `[1}`, `{"a":1]`,
		`["\u12g4"]`, `[1e]`, `[.5]`, `[+1]`, `[NaN]`, `"`, `[,1]`,
		strings.Repeat("[", 40) + strings.Repeat("]", 40),
	} {
		r := jsonread.New([]byte(text))
		r.Skip()
		if r.Err() == nil {
			t.Errorf("%q was read", text)
		}
	}
	r := jsonread.New([]byte(strings.Repeat("[", 40)))
	r.Skip()
	if !errors.Is(r.Err(), jsonread.ErrDepth) {
		t.Errorf("deep nesting: %v", r.Err())
	}
}

// FuzzSkipAgreesWithEncodingJSON holds the reader to the standard library's idea of JSON, depth aside.
func FuzzSkipAgreesWithEncodingJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,"\u00e9"],"b":{}}`, `[]`, `"x`, `[1,]`, `{"a":1}x`, "\"\x7f\"", `-0`, `[[[]]]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := jsonread.New(b)
		r.Skip()
		if errors.Is(r.Err(), jsonread.ErrDepth) {
			return
		}
		if got, want := r.End(), json.Valid(b); got != want {
			t.Errorf("%q: read %v, encoding/json says %v (%v)", b, got, want, r.Err())
		}
	})
}

// FuzzStringAgreesWithEncodingJSON compares unescaped strings.
func FuzzStringAgreesWithEncodingJSON(f *testing.F) {
	f.Add([]byte(`"a\u0041\ud83d\ude00\ud83d\"\\\/"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var want string
		if json.Unmarshal(b, &want) != nil {
			return
		}
		r := jsonread.New(b)
		got, ok := r.String()
		if !ok {
			if r.Kind() == 'n' {
				return
			}
			t.Fatalf("%q: not read: %v", b, r.Err())
		}
		if strings.ToValidUTF8(string(got), "\ufffd") != want && !strings.Contains(want, "\ufffd") {
			t.Errorf("%q: got %q, want %q", b, got, want)
		}
	})
}

func BenchmarkSkip(b *testing.B) {
	text := []byte(`[2,"5802feb2-1fbd-4a4b-8991-15b1d9d592db","MeterValues",{"connectorId":1,"transactionId":17,"meterValue":[{"timestamp":"2025-11-23T19:21:00.951Z","sampledValue":[{"value":"1254310.5","context":"Sample.Periodic","format":"Raw","measurand":"Energy.Active.Import.Register","location":"Outlet","unit":"Wh"}]}]}]`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r := jsonread.New(text)
		r.Skip()
	}
}
