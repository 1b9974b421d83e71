// Package foreign_test lets charge points that nobody of this project wrote spend a whole session with hayalet serve:
// one on top of Go's ocpp-go, the example charge point that comes with it, and one on top of npm's ocpp-rpc with its
// strict validation. They are processes of their own, built or started from test/ocppgo and test/node.
package foreign_test
