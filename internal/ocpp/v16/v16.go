// Package v16 holds the payloads of OCPP 1.6 that a central system must read and write, the security extension included.
//
// Requests are tolerant: a member of the wrong JSON type is an unset field, never an error, and members that nobody here
// needs are left out. Responses follow the schema to the letter.
package v16

import "slices"

// The actions of a station [1.6 §4; security whitepaper §5].
const (
	Authorize                        = "Authorize"
	BootNotification                 = "BootNotification"
	DataTransfer                     = "DataTransfer" // of both sides
	DiagnosticsStatusNotification    = "DiagnosticsStatusNotification"
	FirmwareStatusNotification       = "FirmwareStatusNotification"
	Heartbeat                        = "Heartbeat"
	LogStatusNotification            = "LogStatusNotification"
	MeterValues                      = "MeterValues"
	SecurityEventNotification        = "SecurityEventNotification"
	SignCertificate                  = "SignCertificate"
	SignedFirmwareStatusNotification = "SignedFirmwareStatusNotification"
	StartTransaction                 = "StartTransaction"
	StatusNotification               = "StatusNotification"
	StopTransaction                  = "StopTransaction"
)

// ChangeConfiguration is the one command that the central system sends by itself.
const ChangeConfiguration = "ChangeConfiguration"

// Commands returns the actions of the central system [1.6 §5; security whitepaper §5], sorted.
func Commands() []string {
	commands := []string{
		// Core
		"ChangeAvailability", ChangeConfiguration, "ClearCache", DataTransfer, "GetConfiguration",
		"RemoteStartTransaction", "RemoteStopTransaction", "Reset", "UnlockConnector",
		// FirmwareManagement
		"GetDiagnostics", "UpdateFirmware",
		// LocalAuthListManagement
		"GetLocalListVersion", "SendLocalList",
		// Reservation
		"CancelReservation", "ReserveNow",
		// SmartCharging
		"ClearChargingProfile", "GetCompositeSchedule", "SetChargingProfile",
		// RemoteTrigger
		"TriggerMessage",
		// Security
		"CertificateSigned", "DeleteCertificate", "ExtendedTriggerMessage", "GetInstalledCertificateIds", "GetLog",
		"InstallCertificate", "SignedUpdateFirmware",
	}
	slices.Sort(commands)
	return commands
}

// RegistrationStatus is the answer to a BootNotification [1.6 §7.38].
type RegistrationStatus string

// The registration statuses.
const (
	RegistrationAccepted RegistrationStatus = "Accepted"
	RegistrationPending  RegistrationStatus = "Pending"
	RegistrationRejected RegistrationStatus = "Rejected"
)

// AuthorizationStatus is the answer to an idTag [1.6 §7.2].
type AuthorizationStatus string

// The authorization statuses.
const (
	AuthorizationAccepted     AuthorizationStatus = "Accepted"
	AuthorizationBlocked      AuthorizationStatus = "Blocked"
	AuthorizationExpired      AuthorizationStatus = "Expired"
	AuthorizationInvalid      AuthorizationStatus = "Invalid"
	AuthorizationConcurrentTx AuthorizationStatus = "ConcurrentTx"
)

// DataTransferStatus is the answer to a DataTransfer [1.6 §7.23].
type DataTransferStatus string

// The data transfer statuses.
const (
	DataTransferAccepted         DataTransferStatus = "Accepted"
	DataTransferRejected         DataTransferStatus = "Rejected"
	DataTransferUnknownMessageID DataTransferStatus = "UnknownMessageId"
	DataTransferUnknownVendorID  DataTransferStatus = "UnknownVendorId"
)

// GenericStatus is the answer to a SignCertificate [security whitepaper §5].
type GenericStatus string

// The generic statuses.
const (
	GenericAccepted GenericStatus = "Accepted"
	GenericRejected GenericStatus = "Rejected"
)

// ConfigurationStatus is a station's answer to a ChangeConfiguration [1.6 §7.22].
type ConfigurationStatus string

// The configuration statuses.
const (
	ConfigurationAccepted       ConfigurationStatus = "Accepted"
	ConfigurationRejected       ConfigurationStatus = "Rejected"
	ConfigurationRebootRequired ConfigurationStatus = "RebootRequired"
	ConfigurationNotSupported   ConfigurationStatus = "NotSupported"
)

// The configuration keys that decide what a station measures [1.6 §9.1].
const (
	ClockAlignedDataInterval = "ClockAlignedDataInterval"
	MeterValuesAlignedData   = "MeterValuesAlignedData"
	MeterValueSampleInterval = "MeterValueSampleInterval"
	MeterValuesSampledData   = "MeterValuesSampledData"
)
