package main

import (
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/remotetrigger"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/types"
)

// orders16 answers the commands of the central system and hands on those that the session waits for. The library calls
// it from its own goroutine.
type orders16 struct {
	starts chan string // id tags
	stops  chan int    // transaction ids
	resets chan core.ResetType
}

func newOrders16() *orders16 {
	return &orders16{starts: make(chan string, 1), stops: make(chan int, 1), resets: make(chan core.ResetType, 1)}
}

func remoteStatus16(taken bool) types.RemoteStartStopStatus {
	if taken {
		return types.RemoteStartStopStatusAccepted
	}
	return types.RemoteStartStopStatusRejected
}

func (o *orders16) OnRemoteStartTransaction(r *core.RemoteStartTransactionRequest) (*core.RemoteStartTransactionConfirmation, error) {
	return core.NewRemoteStartTransactionConfirmation(remoteStatus16(offer(o.starts, r.IdTag))), nil
}

func (o *orders16) OnRemoteStopTransaction(r *core.RemoteStopTransactionRequest) (*core.RemoteStopTransactionConfirmation, error) {
	return core.NewRemoteStopTransactionConfirmation(remoteStatus16(offer(o.stops, r.TransactionId))), nil
}

func (o *orders16) OnReset(r *core.ResetRequest) (*core.ResetConfirmation, error) {
	if !offer(o.resets, r.Type) {
		return core.NewResetConfirmation(core.ResetStatusRejected), nil
	}
	return core.NewResetConfirmation(core.ResetStatusAccepted), nil
}

func (o *orders16) OnGetConfiguration(r *core.GetConfigurationRequest) (*core.GetConfigurationConfirmation, error) {
	value := "1"
	conf := core.NewGetConfigurationConfirmation([]core.ConfigurationKey{{Key: "NumberOfConnectors", Readonly: true, Value: &value}})
	for _, key := range r.Key {
		if key != "NumberOfConnectors" {
			conf.UnknownKey = append(conf.UnknownKey, key)
		}
	}
	return conf, nil
}

func (o *orders16) OnChangeConfiguration(*core.ChangeConfigurationRequest) (*core.ChangeConfigurationConfirmation, error) {
	return core.NewChangeConfigurationConfirmation(core.ConfigurationStatusAccepted), nil
}

func (o *orders16) OnChangeAvailability(*core.ChangeAvailabilityRequest) (*core.ChangeAvailabilityConfirmation, error) {
	return core.NewChangeAvailabilityConfirmation(core.AvailabilityStatusRejected), nil
}

func (o *orders16) OnClearCache(*core.ClearCacheRequest) (*core.ClearCacheConfirmation, error) {
	return core.NewClearCacheConfirmation(core.ClearCacheStatusAccepted), nil
}

func (o *orders16) OnDataTransfer(*core.DataTransferRequest) (*core.DataTransferConfirmation, error) {
	return core.NewDataTransferConfirmation(core.DataTransferStatusUnknownVendorId), nil
}

func (o *orders16) OnUnlockConnector(*core.UnlockConnectorRequest) (*core.UnlockConnectorConfirmation, error) {
	return core.NewUnlockConnectorConfirmation(core.UnlockStatusNotSupported), nil
}

func (o *orders16) OnTriggerMessage(*remotetrigger.TriggerMessageRequest) (*remotetrigger.TriggerMessageConfirmation, error) {
	return remotetrigger.NewTriggerMessageConfirmation(remotetrigger.TriggerMessageStatusNotImplemented), nil
}
