package csms

import "hayalet/internal/ocpp/tolerant"

// TokenOf opens tokenOf to the tests: a book that breaks at a long token is hard to come by.
func TokenOf(tag string) string { return tokenOf(tolerant.Text(tag)) }
