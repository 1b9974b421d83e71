// Package v201 holds the payloads of OCPP 2.0.1 that a central system must read and write.
//
// Requests are tolerant: a member of the wrong JSON type is an unset field, never an error, and members that nobody here
// needs are left out. Responses follow the schema to the letter.
package v201

import "slices"

// The actions of a station [2.0.1 part 2 §1].
const (
	Authorize                         = "Authorize"
	BootNotification                  = "BootNotification"
	ClearedChargingLimit              = "ClearedChargingLimit"
	DataTransfer                      = "DataTransfer" // of both sides
	FirmwareStatusNotification        = "FirmwareStatusNotification"
	Get15118EVCertificate             = "Get15118EVCertificate"
	GetCertificateStatus              = "GetCertificateStatus"
	Heartbeat                         = "Heartbeat"
	LogStatusNotification             = "LogStatusNotification"
	MeterValues                       = "MeterValues"
	NotifyChargingLimit               = "NotifyChargingLimit"
	NotifyCustomerInformation         = "NotifyCustomerInformation"
	NotifyDisplayMessages             = "NotifyDisplayMessages"
	NotifyEVChargingNeeds             = "NotifyEVChargingNeeds"
	NotifyEVChargingSchedule          = "NotifyEVChargingSchedule"
	NotifyEvent                       = "NotifyEvent"
	NotifyMonitoringReport            = "NotifyMonitoringReport"
	NotifyReport                      = "NotifyReport"
	PublishFirmwareStatusNotification = "PublishFirmwareStatusNotification"
	ReportChargingProfiles            = "ReportChargingProfiles"
	ReservationStatusUpdate           = "ReservationStatusUpdate"
	SecurityEventNotification         = "SecurityEventNotification"
	SignCertificate                   = "SignCertificate"
	StatusNotification                = "StatusNotification"
	TransactionEvent                  = "TransactionEvent"
)

// SetVariables is the one command that the central system sends by itself.
const SetVariables = "SetVariables"

// Commands returns the actions of the central system [2.0.1 part 2 §1], sorted.
func Commands() []string {
	commands := []string{
		// Security
		"CertificateSigned", "DeleteCertificate", "GetInstalledCertificateIds", "InstallCertificate",
		// Provisioning
		"GetBaseReport", "GetReport", "GetVariables", "Reset", "SetNetworkProfile", SetVariables,
		// Authorization and local lists
		"ClearCache", "GetLocalListVersion", "SendLocalList",
		// Transactions and remote control
		"GetTransactionStatus", "RequestStartTransaction", "RequestStopTransaction", "TriggerMessage", "UnlockConnector",
		// Availability and reservation
		"CancelReservation", "ChangeAvailability", "ReserveNow",
		// Tariff and cost, display messages
		"ClearDisplayMessage", "CostUpdated", "GetDisplayMessages", "SetDisplayMessage",
		// Smart charging
		"ClearChargingProfile", "GetChargingProfiles", "GetCompositeSchedule", "SetChargingProfile",
		// Firmware
		"PublishFirmware", "UnpublishFirmware", "UpdateFirmware",
		// Diagnostics
		"ClearVariableMonitoring", "CustomerInformation", "GetLog", "GetMonitoringReport", "SetMonitoringBase",
		"SetMonitoringLevel", "SetVariableMonitoring",
		// Data transfer
		DataTransfer,
	}
	slices.Sort(commands)
	return commands
}

// RegistrationStatus is the answer to a BootNotification [2.0.1 part 2 §3].
type RegistrationStatus string

// The registration statuses.
const (
	RegistrationAccepted RegistrationStatus = "Accepted"
	RegistrationPending  RegistrationStatus = "Pending"
	RegistrationRejected RegistrationStatus = "Rejected"
)

// AuthorizationStatus is the answer to an idToken [2.0.1 part 2 §3].
type AuthorizationStatus string

// The authorization statuses.
const (
	AuthorizationAccepted           AuthorizationStatus = "Accepted"
	AuthorizationBlocked            AuthorizationStatus = "Blocked"
	AuthorizationConcurrentTx       AuthorizationStatus = "ConcurrentTx"
	AuthorizationExpired            AuthorizationStatus = "Expired"
	AuthorizationInvalid            AuthorizationStatus = "Invalid"
	AuthorizationNoCredit           AuthorizationStatus = "NoCredit"
	AuthorizationNotAllowedTypeEVSE AuthorizationStatus = "NotAllowedTypeEVSE"
	AuthorizationNotAtThisLocation  AuthorizationStatus = "NotAtThisLocation"
	AuthorizationNotAtThisTime      AuthorizationStatus = "NotAtThisTime"
	AuthorizationUnknown            AuthorizationStatus = "Unknown"
)

// CertificateAuthorization is the answer to the contract certificate of an Authorize [2.0.1 part 2 §3].
type CertificateAuthorization string

// NoCertificateAvailable says that the certificate could not be checked.
const NoCertificateAvailable CertificateAuthorization = "NoCertificateAvailable"

// NoAuthorization is the type of the empty token of a station that asks nobody, with a start button for example
// [2.0.1 C02].
const NoAuthorization = "NoAuthorization"

// DataTransferStatus is the answer to a DataTransfer [2.0.1 part 2 §3].
type DataTransferStatus string

// The data transfer statuses.
const (
	DataTransferAccepted         DataTransferStatus = "Accepted"
	DataTransferRejected         DataTransferStatus = "Rejected"
	DataTransferUnknownMessageID DataTransferStatus = "UnknownMessageId"
	DataTransferUnknownVendorID  DataTransferStatus = "UnknownVendorId"
)

// GenericStatus is the answer to several messages [2.0.1 part 2 §3].
type GenericStatus string

// The generic statuses.
const (
	GenericAccepted GenericStatus = "Accepted"
	GenericRejected GenericStatus = "Rejected"
)

// CertificateStatus is the answer to Get15118EVCertificate and GetCertificateStatus [2.0.1 part 2 §3].
type CertificateStatus string

// The certificate statuses.
const (
	CertificateAccepted CertificateStatus = "Accepted"
	CertificateFailed   CertificateStatus = "Failed"
)

// ChargingNeedsStatus is the answer to a NotifyEVChargingNeeds [2.0.1 part 2 §3].
type ChargingNeedsStatus string

// The charging needs statuses.
const (
	ChargingNeedsAccepted   ChargingNeedsStatus = "Accepted"
	ChargingNeedsRejected   ChargingNeedsStatus = "Rejected"
	ChargingNeedsProcessing ChargingNeedsStatus = "Processing"
)

// VariableStatus is a station's answer to one variable of a SetVariables [2.0.1 part 2 §3].
type VariableStatus string

// The variable statuses.
const (
	VariableAccepted                  VariableStatus = "Accepted"
	VariableRejected                  VariableStatus = "Rejected"
	VariableUnknownComponent          VariableStatus = "UnknownComponent"
	VariableUnknownVariable           VariableStatus = "UnknownVariable"
	VariableNotSupportedAttributeType VariableStatus = "NotSupportedAttributeType"
	VariableRebootRequired            VariableStatus = "RebootRequired"
)

// The components and variables that decide what a station measures [2.0.1 J].
const (
	AlignedDataCtrlr    = "AlignedDataCtrlr"
	SampledDataCtrlr    = "SampledDataCtrlr"
	Enabled             = "Enabled"
	Interval            = "Interval"
	Measurands          = "Measurands"
	TxUpdatedInterval   = "TxUpdatedInterval"
	TxUpdatedMeasurands = "TxUpdatedMeasurands"
)
