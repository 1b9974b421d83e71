package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretFilesByVariable: each key that ends in _file is set by its variable, and what is in the file is the secret.
func TestSecretFilesByVariable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("p@ss/word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig("", []string{
		"HAYALET_API__TOKEN_FILE=" + file, "HAYALET_WEBHOOK__SECRET_FILE=" + file,
		"HAYALET_DB=postgres://u@h:5433/d?sslmode=require", "HAYALET_DB_PASSWORD_FILE=" + file,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := secret("api.token", cfg.API.Token, cfg.API.TokenFile); got != "p@ss/word" || err != nil {
		t.Errorf("api.token: %q, %v", got, err)
	}
	if got, err := secret("webhook.secret", cfg.Webhook.Secret, cfg.Webhook.SecretFile); got != "p@ss/word" || err != nil {
		t.Errorf("webhook.secret: %q, %v", got, err)
	}
	if got, err := cfg.database(); got != "postgres://u:p%40ss%2Fword@h:5433/d?sslmode=require" || err != nil {
		t.Errorf("database: %q, %v", got, err)
	}
	if strings.Contains(cfg.DB, "p@ss") {
		t.Error("the password is in the configuration")
	}
}

func TestDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p4ssword")
	for _, tc := range []struct {
		db, file string
		wrong    string // a part of the error; empty: none
	}{
		{"hayalet.db", "", ""},
		{"postgres://u:p4ss@h/d", "", ""},
		{"postgresql:///d?host=/run/postgresql", "", ""},
		{"", "", "it is empty"},
		{"hayalet.db", file, "a file has no password"},
		{"mysql://h/d", "", `no database of kind "mysql"`},
		{"postgres://u:p4ss/x@h/d", "", "it is no URL of a database"},
		{"postgres://u:p4ss@h/d", file, "the URL has a password and db_password_file is set"},
		{"postgres://u@h/d?password=p4ss", file, "the URL has a password and db_password_file is set"},
		{"postgres://h/d", file, "the URL names no user"},
		{"postgres://u@h/d", file, "no such file"},
	} {
		cfg := defaultConfig()
		cfg.DB, cfg.DBPassword = tc.db, tc.file
		got, err := cfg.database()
		if tc.wrong == "" && (got != tc.db || err != nil) {
			t.Errorf("%s: got %q, %v", tc.db, got, err)
		}
		if tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong) || strings.Contains(err.Error(), "p4ss/") || strings.Contains(err.Error(), "p4ss@")) {
			t.Errorf("%s: error %v, want %s", tc.db, err, tc.wrong)
		}
	}
}

func TestWithoutPath(t *testing.T) {
	for text, want := range map[string]string{
		"https://h": "https://h", "https://h/": "https://h/", "https://h:1/secret": "https://h:1/", "https://h?secret": "https://h/",
		"https://u:p@h/secret": "https://h/", "https://u@h": "https://h", "": "",
		"https://u:p/p@h/secret": "https://h/", "https://u:p@p@h": "https://h", "hook": "hook",
	} {
		if got := withoutPath(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
