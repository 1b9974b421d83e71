//go:build race

package lab_test

// underRace: the race detector makes the long tests, which share nothing between goroutines, ten times as long. 'make test' runs them without it.
const underRace = true
