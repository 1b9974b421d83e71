// Package detect turns what is known of a connector into verdicts, and verdicts into incidents.
//
// A [Rule] judges one step of a connector together with its own fixed-size [Memory] of that connector. A [Folder] folds
// the verdicts of an episode into one incident: opens it, lets it grow, escalates, clears and closes it.
//
// The package is pure: the same steps give the same verdicts and the same incidents. Rules are a table that the caller
// makes; their parameters come from its configuration.
package detect
