package main

import (
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/provisioning"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/remotecontrol"
	"github.com/lorenzodonini/ocpp-go/ocpp2.0.1/types"
)

// start is what a RequestStartTransaction asks for.
type start struct {
	id    int // remoteStartId
	token types.IdToken
}

// orders201 answers the commands of the CSMS and hands on those that the session waits for. The library calls it from
// its own goroutine.
type orders201 struct {
	starts chan start
	stops  chan string // transaction ids
	resets chan provisioning.ResetType
}

func newOrders201() *orders201 {
	return &orders201{starts: make(chan start, 1), stops: make(chan string, 1), resets: make(chan provisioning.ResetType, 1)}
}

func remoteStatus201(taken bool) remotecontrol.RequestStartStopStatus {
	if taken {
		return remotecontrol.RequestStartStopStatusAccepted
	}
	return remotecontrol.RequestStartStopStatusRejected
}

func (o *orders201) OnRequestStartTransaction(r *remotecontrol.RequestStartTransactionRequest) (*remotecontrol.RequestStartTransactionResponse, error) {
	return remotecontrol.NewRequestStartTransactionResponse(remoteStatus201(offer(o.starts, start{id: r.RemoteStartID, token: r.IDToken}))), nil
}

func (o *orders201) OnRequestStopTransaction(r *remotecontrol.RequestStopTransactionRequest) (*remotecontrol.RequestStopTransactionResponse, error) {
	return remotecontrol.NewRequestStopTransactionResponse(remoteStatus201(offer(o.stops, r.TransactionID))), nil
}

func (o *orders201) OnTriggerMessage(*remotecontrol.TriggerMessageRequest) (*remotecontrol.TriggerMessageResponse, error) {
	return remotecontrol.NewTriggerMessageResponse(remotecontrol.TriggerMessageStatusNotImplemented), nil
}

func (o *orders201) OnUnlockConnector(*remotecontrol.UnlockConnectorRequest) (*remotecontrol.UnlockConnectorResponse, error) {
	return remotecontrol.NewUnlockConnectorResponse(remotecontrol.UnlockStatusUnlockFailed), nil
}

func (o *orders201) OnReset(r *provisioning.ResetRequest) (*provisioning.ResetResponse, error) {
	if !offer(o.resets, r.Type) {
		return provisioning.NewResetResponse(provisioning.ResetStatusRejected), nil
	}
	return provisioning.NewResetResponse(provisioning.ResetStatusAccepted), nil
}

// OnGetVariables knows no component.
func (o *orders201) OnGetVariables(r *provisioning.GetVariablesRequest) (*provisioning.GetVariablesResponse, error) {
	results := make([]provisioning.GetVariableResult, len(r.GetVariableData))
	for i, asked := range r.GetVariableData {
		results[i] = provisioning.GetVariableResult{
			AttributeStatus: provisioning.GetVariableStatusUnknownComponent, Component: asked.Component, Variable: asked.Variable,
		}
	}
	return provisioning.NewGetVariablesResponse(results), nil
}

// OnSetVariables knows no component.
func (o *orders201) OnSetVariables(r *provisioning.SetVariablesRequest) (*provisioning.SetVariablesResponse, error) {
	results := make([]provisioning.SetVariableResult, len(r.SetVariableData))
	for i, asked := range r.SetVariableData {
		results[i] = provisioning.SetVariableResult{
			AttributeStatus: provisioning.SetVariableStatusUnknownComponent, Component: asked.Component, Variable: asked.Variable,
		}
	}
	return provisioning.NewSetVariablesResponse(results), nil
}

func (o *orders201) OnGetBaseReport(*provisioning.GetBaseReportRequest) (*provisioning.GetBaseReportResponse, error) {
	return provisioning.NewGetBaseReportResponse(types.GenericDeviceModelStatusNotSupported), nil
}

func (o *orders201) OnGetReport(*provisioning.GetReportRequest) (*provisioning.GetReportResponse, error) {
	return provisioning.NewGetReportResponse(types.GenericDeviceModelStatusNotSupported), nil
}

func (o *orders201) OnSetNetworkProfile(*provisioning.SetNetworkProfileRequest) (*provisioning.SetNetworkProfileResponse, error) {
	return provisioning.NewSetNetworkProfileResponse(provisioning.SetNetworkProfileStatusRejected), nil
}
