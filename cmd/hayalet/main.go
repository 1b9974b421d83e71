// Command hayalet finds phantom current in EV charging networks: a central system that watches its stations, stations
// and attackers to try it with, and the analysis of recorded traffic.
//
// One file holds one subcommand; wiring is all there is here.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"hayalet/internal/lang"
)

// Exit codes.
const (
	exitOK     = 0
	exitError  = 1 // it was tried and failed
	exitUsage  = 2 // it could not be tried: wrong flags, unreadable files
	exitAlarms = 3 // analyze --fail-on: such an incident exists
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends at once
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// app is what every subcommand needs of the outside.
type app struct {
	environ []string
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	text    lang.Printer
}

// exitCode is an error that ends the program with a code of its own.
type exitCode struct {
	code int
	err  error
}

func (e exitCode) Error() string { return e.err.Error() }
func (e exitCode) Unwrap() error { return e.err }

// usage marks an error as one of exit code 2.
func usage(err error) error { return exitCode{exitUsage, err} }

// hinted is an error with a line that says what to do.
type hinted struct {
	err  error
	hint string
}

func (h hinted) Error() string { return h.err.Error() + "; " + h.hint }
func (h hinted) Unwrap() error { return h.err }

func hint(err error, text string) error { return usage(hinted{err, text}) }

// errSilent ends with a code and says nothing more.
var errSilent = errors.New("")

func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{environ: environ, stdin: stdin, stdout: stdout, stderr: stderr}
	l, err := chosenLang(args, a.getenv)
	if err != nil {
		fmt.Fprintln(stderr, "hayalet: --lang:", err)
		return exitUsage
	}
	a.text = lang.New(l)
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err = root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if !errors.Is(err, errSilent) {
		fmt.Fprintln(stderr, "hayalet:", oneLine(err))
	}
	if code := (exitCode{}); errors.As(err, &code) {
		return code.code
	}
	return exitError
}

func (a *app) getenv(name string) string {
	val := ""
	for _, kv := range a.environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			val = v
		}
	}
	return val
}

// chosenLang finds the language before the commands are made, since their help is in it.
func chosenLang(args []string, getenv func(string) string) (lang.Lang, error) {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if v, ok := strings.CutPrefix(arg, "--lang="); ok {
			return lang.Parse(v)
		}
		if arg == "--lang" && i+1 < len(args) {
			return lang.Parse(args[i+1])
		}
	}
	if v := getenv(envLang); v != "" {
		return lang.Parse(v)
	}
	return lang.FromEnv(getenv), nil
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "hayalet", Short: a.text.T("cmd.root"), Long: a.text.T("cmd.root"),
		SilenceUsage: true, SilenceErrors: true, Args: noSuchCommand, RunE: help,
	}
	root.PersistentFlags().String("lang", string(a.text.Lang()), a.text.T("flag.lang"))
	root.PersistentFlags().Lookup("lang").DefValue = "" // its text tells where that comes from
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hint(err, fmt.Sprintf("see '%s --help'", cmd.CommandPath()))
	})
	root.SetUsageTemplate(strings.NewReplacer(
		"Usage:", a.text.T("help.usage"), "Available Commands:", a.text.T("help.commands"), "Global Flags:", a.text.T("help.global-flags"),
		"Flags:", a.text.T("help.flags"), `Use "{{.CommandPath}} [command] --help" for more information about a command.`, a.text.T("help.more"),
	).Replace(root.UsageTemplate()))
	root.SetHelpFunc(a.helpIn(root.HelpFunc()))
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.AddCommand(
		a.serve(),
		a.relay(),
		a.simulate(),
		a.demo(),
		a.analyze(),
		a.explain(),
		a.convert(),
		a.lab(),
		a.command(),
		a.incidents(),
		a.frames(),
		a.audit(),
		a.exceptions(),
		a.stations(),
		a.rules(),
		a.config(),
		a.doctor(),
		a.replay(),
		a.storeCommand(),
		a.journal(),
		a.evidence(),
		a.versionCommand(),
	)
	a.helpFlag(root)
	return root
}

// helpIn puts what no template can change, in the help that print writes, into the reader's language.
func (a *app) helpIn(print func(*cobra.Command, []string)) func(*cobra.Command, []string) {
	words := strings.NewReplacer("(default ", a.text.T("help.default"), "[flags]", a.text.T("help.some-flags"), "[command]", a.text.T("help.some-command"))
	return func(cmd *cobra.Command, list []string) {
		var text strings.Builder
		cmd.SetOut(&text)
		print(cmd, list)
		_, _ = words.WriteString(a.stdout, text.String())
	}
}

// helpFlag gives a command and those below it a help flag in the reader's language.
func (a *app) helpFlag(cmd *cobra.Command) {
	if cmd.Flags().Lookup("help") == nil {
		cmd.Flags().BoolP("help", "h", false, a.text.T("flag.help"))
	}
	for _, sub := range cmd.Commands() {
		a.helpFlag(sub)
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: a.text.T("cmd.version"), Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, "hayalet", version)
			return err
		},
	}
}

// noSuchCommand and help are for a command that only holds others: it takes no argument, and without one it says what
// there is.
func noSuchCommand(cmd *cobra.Command, list []string) error {
	if len(list) == 0 {
		return nil
	}
	return hint(fmt.Errorf("unknown command %q", list[0]), fmt.Sprintf("see '%s --help'", cmd.CommandPath()))
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// args wraps a check of positional arguments so that its error has a hint and code 2.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, list []string) error {
		if err := check(cmd, list); err != nil {
			return hint(err, "usage: "+cmd.UseLine())
		}
		return nil
	}
}
