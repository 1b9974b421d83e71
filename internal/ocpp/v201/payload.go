package v201

import "hayalet/internal/ocpp/tolerant"

// IDToken is who wants to charge.
type IDToken struct {
	IDToken tolerant.Text `json:"idToken"`
	Type    tolerant.Text `json:"type"`
}

// IDTokenInfo is what the central system says of a token.
type IDTokenInfo struct {
	Status AuthorizationStatus `json:"status"`
}

// AuthorizeRequest asks for a token. Certificate and CertificateHashes are what came with the contract of a vehicle [2.0.1 C07].
type AuthorizeRequest struct {
	IDToken           tolerant.Object[IDToken]         `json:"idToken"`
	Certificate       tolerant.Text                    `json:"certificate"`
	CertificateHashes tolerant.List[CertificateHashes] `json:"iso15118CertificateHashData"`
}

// CertificateHashes is one certificate of a chain; nothing of it is read.
type CertificateHashes struct{}

// AuthorizeResponse answers for the token. CertificateStatus is set for a request that came with a certificate.
type AuthorizeResponse struct {
	IDTokenInfo       IDTokenInfo              `json:"idTokenInfo"`
	CertificateStatus CertificateAuthorization `json:"certificateStatus,omitempty"`
}

// BootNotificationRequest [2.0.1 B01].
type BootNotificationRequest struct {
	ChargingStation tolerant.Object[ChargingStation] `json:"chargingStation"`
}

// ChargingStation is what a station says of itself.
type ChargingStation struct {
	VendorName      tolerant.Text `json:"vendorName"`
	Model           tolerant.Text `json:"model"`
	SerialNumber    tolerant.Text `json:"serialNumber"`
	FirmwareVersion tolerant.Text `json:"firmwareVersion"`
}

// BootNotificationResponse [2.0.1 B01]. Interval is in seconds.
type BootNotificationResponse struct {
	CurrentTime string             `json:"currentTime"`
	Interval    int                `json:"interval"`
	Status      RegistrationStatus `json:"status"`
}

// DataTransferResponse [2.0.1 P02].
type DataTransferResponse struct {
	Status DataTransferStatus `json:"status"`
}

// Get15118EVCertificateResponse [2.0.1 M01]. The schema wants an EXIResponse in a failure too.
type Get15118EVCertificateResponse struct {
	Status      CertificateStatus `json:"status"`
	EXIResponse string            `json:"exiResponse"`
}

// GetCertificateStatusResponse [2.0.1 M06].
type GetCertificateStatusResponse struct {
	Status CertificateStatus `json:"status"`
}

// HeartbeatResponse [2.0.1 G02].
type HeartbeatResponse struct {
	CurrentTime string `json:"currentTime"`
}

// NotifyEVChargingNeedsResponse [2.0.1 K15].
type NotifyEVChargingNeedsResponse struct {
	Status ChargingNeedsStatus `json:"status"`
}

// GenericResponse is the answer to NotifyEVChargingSchedule and SignCertificate.
type GenericResponse struct {
	Status GenericStatus `json:"status"`
}

// TransactionEventRequest [2.0.1 E]. Its id, its meter values and its course are not the central system's to judge.
type TransactionEventRequest struct {
	IDToken tolerant.Object[IDToken] `json:"idToken"`
}

// TransactionEventResponse [2.0.1 E]. IDTokenInfo is set for a request that carried a token, and only then.
type TransactionEventResponse struct {
	IDTokenInfo *IDTokenInfo `json:"idTokenInfo,omitempty"`
}

// SetVariablesRequest [2.0.1 B05].
type SetVariablesRequest struct {
	SetVariableData []SetVariableData `json:"setVariableData"`
}

// SetVariableData is one change.
type SetVariableData struct {
	AttributeValue string `json:"attributeValue"`
	Component      Named  `json:"component"`
	Variable       Named  `json:"variable"`
}

// Named is a component of the whole station, or a variable.
type Named struct {
	Name string `json:"name"`
}

// SetVariablesResponse [2.0.1 B05].
type SetVariablesResponse struct {
	SetVariableResult tolerant.List[SetVariableResult] `json:"setVariableResult"`
}

// SetVariableResult is what became of one change.
type SetVariableResult struct {
	AttributeStatus tolerant.Text `json:"attributeStatus"`
}
