package sqlite

// CheckVersion opens checkVersion to the tests: a binary has only one SQLite to test with.
var CheckVersion = checkVersion
