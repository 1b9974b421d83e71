package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// secret takes a secret from its value or from a file, and refuses both at once.
func secret(what, value, file string) (string, error) {
	if err := once(value, file); err != nil {
		return "", fmt.Errorf("configuration: %s: %v", what, err)
	}
	if file == "" {
		return value, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("configuration: read %s: %v", what, err)
	}
	if value = strings.TrimSpace(string(b)); value == "" { // no secret would mean no protection
		return "", fmt.Errorf("configuration: read %s: %s is empty", what, file)
	}
	return value, nil
}

func once(value, file string) error {
	if value != "" && file != "" {
		return errors.New("it is given twice, as a value and as a file; take one of them out")
	}
	return nil
}

// apiToken is what people's requests must bear. It is not empty where others than this machine may ask.
func (c *config) apiToken() (string, error) {
	token, err := secret("api.token", c.API.Token, c.API.TokenFile)
	if err == nil && token == "" && !loopback(c.HTTP) && !c.Insecure {
		err = hint(fmt.Errorf("--http %s is off loopback and there is no api.token", c.HTTP), "set api.token_file, or give --insecure")
	}
	return token, err
}

func (c *config) webhookSecret() (string, error) {
	return secret("webhook.secret", c.Webhook.Secret, c.Webhook.SecretFile)
}

// isPostgres reports whether the database is a PostgreSQL URL; else it is a file.
func isPostgres(db string) bool {
	return strings.HasPrefix(db, "postgres://") || strings.HasPrefix(db, "postgresql://")
}

// database is what the store is opened with: a path, or a URL with the password in it. It must not be logged.
func (c *config) database() (string, error) {
	if err := c.validDatabase(); err != nil || c.DBPassword == "" {
		return c.DB, err
	}
	password, err := secret("the password of db", "", c.DBPassword)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(c.DB)
	if err != nil {
		return "", errDatabaseURL
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String(), nil
}

// errDatabaseURL keeps to itself what is wrong in the URL: the password may be near.
var errDatabaseURL = errors.New("it is no URL of a database; want postgres://USER@HOST/NAME, with %XX for other characters than letters and digits in USER")

func (c *config) validDatabase() error {
	if c.DB == "" {
		return errors.New("it is empty; want the path of a file, or postgres://USER@HOST/NAME")
	}
	if !isPostgres(c.DB) {
		return c.validFile()
	}
	u, err := url.Parse(c.DB)
	if err != nil {
		return errDatabaseURL
	}
	if c.DBPassword == "" {
		return nil
	}
	if _, twice := u.User.Password(); twice || u.Query().Has("password") {
		return errors.New("the URL has a password and db_password_file is set; take one of them out")
	}
	if u.User.Username() == "" {
		return errors.New("the URL names no user for the password of db_password_file; want postgres://USER@HOST/NAME")
	}
	return nil
}

func (c *config) validFile() error {
	if scheme, _, ok := strings.Cut(c.DB, "://"); ok {
		return fmt.Errorf("there is no database of kind %q; want the path of a file, or postgres://USER@HOST/NAME", scheme)
	}
	if c.DBPassword != "" {
		return errors.New("a file has no password; take db_password_file out, or give a URL: postgres://USER@HOST/NAME")
	}
	return nil
}

// withoutPath is a URL of which only the host is left.
func withoutPath(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text
	}
	end := strings.IndexAny(rest+"/", "/?#")
	if _, err := url.Parse("x://" + rest); err != nil { // a password may hold a slash or more where it is written wrongly
		end = len(rest)
	}
	rest = rest[strings.LastIndexByte(rest[:end], '@')+1:]
	host := rest[:strings.IndexAny(rest+"/", "/?#")]
	if len(host) < len(rest) {
		host += "/"
	}
	return scheme + "://" + host
}
