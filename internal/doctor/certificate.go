package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"time"
)

// CertificateWarning is how long before its end a certificate is warned of.
const CertificateWarning = 30 * 24 * time.Hour

// Certificate says whether the certificate and the key of two PEM files go together and are valid now.
func (d Doctor) Certificate(cert, key string, now time.Time) Finding {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return Finding{Level: Fail, Name: "tls", Fact: d.Text.T("doctor.tls.error", err.Error()), Do: d.Text.T("doctor.tls.error.do")}
	}
	return d.valid(pair.Leaf, now)
}

func (d Doctor) valid(leaf *x509.Certificate, now time.Time) Finding {
	f := Finding{Name: "tls"}
	const day = 24 * time.Hour
	from, until := leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339)
	left := leaf.NotAfter.Sub(now)
	switch {
	case now.Before(leaf.NotBefore):
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.tls.early", from), d.Text.T("doctor.tls.early.do")
	case left <= 0:
		f.Level, f.Fact, f.Do = Fail, d.Text.T("doctor.tls.expired", until), d.Text.T("doctor.tls.do")
	case left < CertificateWarning:
		f.Level, f.Fact, f.Do = Warn, d.Text.T("doctor.tls.soon", until, int(left/day)), d.Text.T("doctor.tls.do")
	default:
		f.Fact = d.Text.T("doctor.tls.fine", until, int(left/day))
	}
	return f
}
