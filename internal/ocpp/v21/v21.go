// Package v21 holds what OCPP 2.1 adds to 2.0.1: actions, statuses and payloads. What it does not name is as in v201.
//
// Requests are tolerant and responses follow the schema to the letter, as there.
package v21

import (
	"slices"

	"hayalet/internal/ocpp/v201"
)

// The actions that 2.1 adds to those of a station [2.1 part 2 §1].
const (
	BatterySwap               = "BatterySwap"
	ClosePeriodicEventStream  = "ClosePeriodicEventStream"
	GetCertificateChainStatus = "GetCertificateChainStatus"
	NotifyDERAlarm            = "NotifyDERAlarm"
	NotifyDERStartStop        = "NotifyDERStartStop"
	NotifyPriorityCharging    = "NotifyPriorityCharging"
	NotifySettlement          = "NotifySettlement"
	OpenPeriodicEventStream   = "OpenPeriodicEventStream"
	PullDynamicScheduleUpdate = "PullDynamicScheduleUpdate"
	ReportDERControl          = "ReportDERControl"
	VatNumberValidation       = "VatNumberValidation"
)

// NotifyPeriodicEventStream is sent, not called: nothing answers it [2.1 part 4 §4.2].
const NotifyPeriodicEventStream = "NotifyPeriodicEventStream"

// Commands returns the actions of the central system, those of 2.0.1 among them, sorted.
func Commands() []string {
	commands := append(v201.Commands(),
		// Tariff and payment
		"ChangeTransactionTariff", "ClearTariffs", "GetTariffs", "NotifyWebPaymentStarted", "SetDefaultTariff",
		// Smart charging
		"UpdateDynamicSchedule", "UsePriorityCharging",
		// Diagnostics
		"AdjustPeriodicEventStream", "GetPeriodicEventStream",
		// Bidirectional power transfer
		"AFRRSignal", "NotifyAllowedEnergyTransfer",
		// Distributed energy resources
		"ClearDERControl", "GetDERControl", "SetDERControl",
		// Battery swapping
		"RequestBatterySwap",
	)
	slices.Sort(commands)
	return commands
}

// ChargingNeedsNoProfile is the answer of 2.1 to a NotifyEVChargingNeeds where no profile will come. Rejected would end
// the transaction.
const ChargingNeedsNoProfile v201.ChargingNeedsStatus = "NoChargingProfile"

// ChainStatus is what is known of one certificate of a chain [2.1 part 2 §3].
type ChainStatus string

// ChainFailed says that the status could not be obtained.
const ChainFailed ChainStatus = "Failed"

// IsHashAlgorithm reports whether the name is one of HashAlgorithmEnumType.
func IsHashAlgorithm(name string) bool {
	return slices.Contains([]string{"SHA256", "SHA384", "SHA512"}, name)
}

// IsStatusSource reports whether the name is one of CertificateStatusSourceEnumType.
func IsStatusSource(name string) bool { return slices.Contains([]string{"CRL", "OCSP"}, name) }
