package sqlite

// CheckVersion opens checkVersion to the tests: a binary has only one SQLite to test with.
var CheckVersion = checkVersion

// Explain opens explain to the tests: a full disk is hard to come by.
var Explain = explain

// Migrations opens migrations to the tests: they make files of earlier schemas.
var Migrations = migrations
