package v16

import "hayalet/internal/ocpp/tolerant"

// AuthorizeRequest [1.6 §6.1].
type AuthorizeRequest struct {
	IDTag tolerant.Text `json:"idTag"`
}

// AuthorizeResponse [1.6 §6.2].
type AuthorizeResponse struct {
	IDTagInfo IDTagInfo `json:"idTagInfo"`
}

// IDTagInfo [1.6 §7.27].
type IDTagInfo struct {
	Status AuthorizationStatus `json:"status"`
}

// BootNotificationRequest [1.6 §6.3].
type BootNotificationRequest struct {
	ChargePointVendor       tolerant.Text `json:"chargePointVendor"`
	ChargePointModel        tolerant.Text `json:"chargePointModel"`
	ChargePointSerialNumber tolerant.Text `json:"chargePointSerialNumber"`
	ChargeBoxSerialNumber   tolerant.Text `json:"chargeBoxSerialNumber"` // deprecated by the standard, sent by many
	FirmwareVersion         tolerant.Text `json:"firmwareVersion"`
}

// BootNotificationResponse [1.6 §6.4]. Interval is in seconds.
type BootNotificationResponse struct {
	CurrentTime string             `json:"currentTime"`
	Interval    int                `json:"interval"`
	Status      RegistrationStatus `json:"status"`
}

// ChangeConfigurationRequest [1.6 §6.9].
type ChangeConfigurationRequest struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ChangeConfigurationResponse [1.6 §6.10].
type ChangeConfigurationResponse struct {
	Status ConfigurationStatus `json:"status"`
}

// DataTransferResponse [1.6 §6.16].
type DataTransferResponse struct {
	Status DataTransferStatus `json:"status"`
}

// HeartbeatResponse [1.6 §6.30].
type HeartbeatResponse struct {
	CurrentTime string `json:"currentTime"`
}

// SignCertificateResponse [security whitepaper §5].
type SignCertificateResponse struct {
	Status GenericStatus `json:"status"`
}

// StartTransactionRequest [1.6 §6.45]. MeterStart is in Wh.
type StartTransactionRequest struct {
	ConnectorID tolerant.Integer `json:"connectorId"`
	IDTag       tolerant.Text    `json:"idTag"`
	MeterStart  tolerant.Integer `json:"meterStart"`
	Timestamp   tolerant.Text    `json:"timestamp"`
}

// StartTransactionResponse [1.6 §6.46].
type StartTransactionResponse struct {
	IDTagInfo     IDTagInfo `json:"idTagInfo"`
	TransactionID int64     `json:"transactionId"`
}

// StopTransactionRequest [1.6 §6.49]. MeterStop is in Wh.
type StopTransactionRequest struct {
	TransactionID tolerant.Integer `json:"transactionId"`
	IDTag         tolerant.Text    `json:"idTag"`
	MeterStop     tolerant.Integer `json:"meterStop"`
	Timestamp     tolerant.Text    `json:"timestamp"`
	Reason        tolerant.Text    `json:"reason"`
}

// StopTransactionResponse [1.6 §6.50].
type StopTransactionResponse struct {
	IDTagInfo IDTagInfo `json:"idTagInfo"`
}
