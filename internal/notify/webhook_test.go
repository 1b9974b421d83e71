package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"hayalet"
	"hayalet/internal/notify"
)

func incident(key string, rev uint64) hayalet.Incident {
	return hayalet.Incident{
		Key: key, Rev: rev, Rule: "PE-01", Station: "CP_<1>", Connector: 1, Severity: hayalet.High, State: hayalet.Confirmed,
		OpenedAt: 1763925669123456, Energy: 50 * hayalet.WattHour, Evidence: []string{},
	}
}

func sentence(inc hayalet.Incident) string { return "phantom on " + string(inc.Station) + " & more" }

func TestWebhookDelivery(t *testing.T) {
	const secret = "s3cret"
	var header http.Header
	var body []byte
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.URL.RequestURI() != "/hook?token=x" {
			t.Errorf("request %s %s", r.Method, r.URL.RequestURI())
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer srv.Close()
	hook := webhook(t, notify.WebhookConfig{URL: srv.URL + "/hook?token=x", Secret: secret})
	inc := incident("abc", 3)
	if err := hook.Notify(t.Context(), inc); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "hayalet", "Idempotency-Key": "abc-3",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	checkBody(t, body, inc)
	checkSignature(t, header.Get("X-Hayalet-Signature"), secret, body)
}

func checkBody(t *testing.T, body []byte, inc hayalet.Incident) {
	t.Helper()
	var got map[string]json.RawMessage
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	canonical, _ := json.Marshal(inc)
	text, _ := json.Marshal(sentence(inc))
	want := map[string]string{"event": `"incident"`, "incident": string(canonical), "text": string(text)}
	for name, value := range want {
		if string(got[name]) != value {
			t.Errorf("%s: %s, want %s", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("body %s has other members", body)
	}
}

// checkSignature does what a receiver does, without our code.
func checkSignature(t *testing.T, header, secret string, body []byte) {
	t.Helper()
	stamp, sum, ok := strings.Cut(strings.TrimPrefix(header, "t="), ",v1=")
	if !ok {
		t.Fatalf("signature %q", header)
	}
	unix, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Since(time.Unix(unix, 0)).Abs() > time.Minute {
		t.Errorf("signature's time %q", stamp)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "." + string(body)))
	if want := hex.EncodeToString(mac.Sum(nil)); sum != want {
		t.Errorf("signature %s, want %s", sum, want)
	}
}

func TestWebhookAnswers(t *testing.T) {
	for _, c := range []struct {
		status    int
		ok, retry bool
	}{
		{200, true, false},
		{202, true, false},
		{204, true, false},
		{301, false, false},
		{307, false, false},
		{400, false, false},
		{401, false, false},
		{404, false, false},
		{408, false, true},
		{410, false, false},
		{429, false, true},
		{500, false, true},
		{501, false, true},
		{503, false, true},
	} {
		t.Run(strconv.Itoa(c.status), func(t *testing.T) {
			calls := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				if r.Header.Get("X-Hayalet-Signature") != "" {
					t.Error("signed without a secret")
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
			}))
			defer srv.Close()
			err := webhook(t, notify.WebhookConfig{URL: srv.URL}).Notify(t.Context(), incident("k", 1))
			if (err == nil) != c.ok || errors.Is(err, hayalet.ErrUnavailable) != c.retry {
				t.Errorf("error %v, want ok %t, worth another try %t", err, c.ok, c.retry)
			}
			if calls != 1 {
				t.Errorf("%d requests, want 1", calls)
			}
		})
	}
}

func TestWebhookUnreachable(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	err := webhook(t, notify.WebhookConfig{URL: srv.URL + "/SECRETPATH?key=SECRETKEY"}).Notify(t.Context(), incident("k", 1))
	if !errors.Is(err, hayalet.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	if strings.Contains(err.Error(), "SECRET") {
		t.Errorf("error %q tells the address", err)
	}
}

func TestWebhookTimeout(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	hook := webhook(t, notify.WebhookConfig{URL: srv.URL, Timeout: 20 * time.Millisecond})
	err := hook.Notify(t.Context(), incident("k", 1))
	if !errors.Is(err, hayalet.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want ErrUnavailable and the deadline", err)
	}
}

func TestNewWebhookRefuses(t *testing.T) {
	for name, cfg := range map[string]notify.WebhookConfig{
		"no address":    {Text: sentence},
		"other scheme":  {URL: "ftp://host/SECRET", Text: sentence},
		"no host":       {URL: "http:///SECRET", Text: sentence},
		"not a URL":     {URL: "http://host/SECRET%zz", Text: sentence},
		"a path alone":  {URL: "/SECRET", Text: sentence},
		"no text given": {URL: "http://host/SECRET"},
	} {
		_, err := notify.NewWebhook(cfg, nil)
		if !errors.Is(err, hayalet.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", name, err)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: error %q tells the address", name, err)
		}
	}
}

func webhook(t *testing.T, cfg notify.WebhookConfig) *notify.Webhook {
	t.Helper()
	cfg.Text = sentence
	hook, err := notify.NewWebhook(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return hook
}
