// Package notify tells people and other systems of incidents.
//
// A [Webhook] posts one incident to one address; a [Queue] keeps incidents until a notifier has taken them:
//
//	hook, err := notify.NewWebhook(notify.WebhookConfig{URL: url, Secret: secret, Text: sentence}, nil)
//	if err != nil {
//		return err
//	}
//	q := notify.NewQueue(hook, log, notify.QueueConfig{})
//	go q.Run(ctx)
//	q.Put(incident)
//
// It does not choose which incidents are worth telling: its caller does.
package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hayalet"
)

// DefaultTimeout bounds one delivery, from the connection to the end of the answer.
const DefaultTimeout = 10 * time.Second

// SignatureHeader carries the signature of a delivery: "t=<unix>,v1=<hex>", where hex is the HMAC-SHA256 of
// "<unix>.<body>" under the shared secret. A receiver computes it again over the bytes it got, compares in constant
// time, and refuses a time that is too far from its own clock.
const SignatureHeader = "X-Hayalet-Signature"

// maxAnswer is how much of an answer is read, so that the connection can be used again.
const maxAnswer = 64 << 10

// WebhookConfig says where a webhook posts.
type WebhookConfig struct {
	URL     string                        // http or https; it may hold a secret and is never logged
	Secret  string                        // signs the deliveries; empty: no signature
	Timeout time.Duration                 // of one delivery; 0: DefaultTimeout
	Text    func(hayalet.Incident) string // one sentence for people; required
}

// Webhook is a notifier that posts the incident as JSON:
//
//	{"event":"incident","incident":{…},"text":"…"}
//
// where incident is its canonical JSON. The header Idempotency-Key, "<key>-<rev>", is the same when a delivery is tried
// again. Any goroutine may call it.
type Webhook struct {
	cfg    WebhookConfig
	host   string // for errors: the rest of the address may be secret
	client http.Client
}

var _ hayalet.Notifier = (*Webhook)(nil)

// NewWebhook checks the configuration. The client gives transport and cookies, if any; nil is the default. Redirects are
// not followed in any case: the one who answers shall not choose where incidents go.
func NewWebhook(cfg WebhookConfig, client *http.Client) (*Webhook, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("webhook: %w address: want http://… or https://…", hayalet.ErrInvalid)
	}
	if cfg.Text == nil {
		return nil, fmt.Errorf("webhook: %w: no text", hayalet.ErrInvalid)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	w := &Webhook{cfg: cfg, host: u.Host}
	if client != nil {
		w.client = *client
	}
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w, nil
}

// Notify posts the incident once. A network error, a timeout, and the answers 408, 429 and 5xx wrap ErrUnavailable; any
// other answer outside 2xx is final.
func (w *Webhook) Notify(ctx context.Context, inc hayalet.Incident) error {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	req, err := w.request(ctx, inc)
	if err != nil {
		return fmt.Errorf("compose the webhook to %s: %w", w.host, err)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("post to webhook at %s: %w: %w", w.host, hayalet.ErrUnavailable, bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // the status has said all
	return w.judge(resp.StatusCode)
}

func (w *Webhook) request(ctx context.Context, inc hayalet.Incident) (*http.Request, error) {
	body, err := json.Marshal(struct {
		Event    string           `json:"event"`
		Incident hayalet.Incident `json:"incident"`
		Text     string           `json:"text"`
	}{"incident", inc, w.cfg.Text(inc)})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return nil, bare(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "hayalet")
	req.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", inc.Key, inc.Rev))
	if w.cfg.Secret != "" {
		req.Header.Set(SignatureHeader, Sign(w.cfg.Secret, time.Now(), body))
	}
	return req, nil
}

// Sign returns the value of [SignatureHeader] for a body that is sent at a time.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

func (w *Webhook) judge(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return fmt.Errorf("webhook at %s answered %d: %w", w.host, status, hayalet.ErrUnavailable)
	case status >= 300 && status < 400:
		return fmt.Errorf("webhook at %s answered %d: redirects are not followed; configure the final address", w.host, status)
	}
	return fmt.Errorf("webhook at %s answered %d", w.host, status)
}

// bare takes the address off an error of the client.
func bare(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}
