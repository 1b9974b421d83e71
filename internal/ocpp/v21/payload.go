package v21

import (
	"hayalet/internal/ocpp/tolerant"
	"hayalet/internal/ocpp/v201"
)

// The limits of what a response repeats of its request.
const (
	MaxChain        = 4   // certificates of a chain
	MaxHash         = 128 // characters of issuerNameHash and issuerKeyHash
	MaxSerialNumber = 40  // characters
	MaxVatNumber    = 20  // characters
)

// GetCertificateChainStatusRequest [2.1 part 2 §1].
type GetCertificateChainStatusRequest struct {
	Requests tolerant.List[CertificateStatusRequest] `json:"certificateStatusRequests"`
}

// CertificateStatusRequest asks for one certificate.
type CertificateStatusRequest struct {
	HashData tolerant.Object[CertificateHashData] `json:"certificateHashData"`
	Source   tolerant.Text                        `json:"source"`
}

// CertificateHashData names a certificate. It is read and written.
type CertificateHashData struct {
	HashAlgorithm  tolerant.Text `json:"hashAlgorithm"`
	IssuerNameHash tolerant.Text `json:"issuerNameHash"`
	IssuerKeyHash  tolerant.Text `json:"issuerKeyHash"`
	SerialNumber   tolerant.Text `json:"serialNumber"`
}

// GetCertificateChainStatusResponse has one to MaxChain statuses.
type GetCertificateChainStatusResponse struct {
	CertificateStatus []CertificateStatus `json:"certificateStatus"`
}

// CertificateStatus is the answer to one CertificateStatusRequest.
type CertificateStatus struct {
	HashData   CertificateHashData `json:"certificateHashData"`
	Source     tolerant.Text       `json:"source"`
	Status     ChainStatus         `json:"status"`
	NextUpdate string              `json:"nextUpdate"`
}

// VatNumberValidationRequest [2.1 part 2 §1].
type VatNumberValidationRequest struct {
	VatNumber tolerant.Text    `json:"vatNumber"`
	EvseID    tolerant.Integer `json:"evseId"`
}

// VatNumberValidationResponse repeats the request's number and EVSE.
type VatNumberValidationResponse struct {
	VatNumber tolerant.Text      `json:"vatNumber"`
	EvseID    *int64             `json:"evseId,omitempty"`
	Status    v201.GenericStatus `json:"status"`
}
