package cli

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/seed56735111/penstock"
)

// The exit codes of every command.
const (
	exitOK          = 0
	exitInternal    = 1
	exitUsage       = 2
	exitDeadLetters = 3
	exitIncomplete  = 4
	exitRefused     = 5
)

// usageError is a wrong flag, argument or setting.
type usageError struct {
	Err  error
	Hint string
}

func (e *usageError) Error() string { return e.Err.Error() }
func (e *usageError) Unwrap() error { return e.Err }

func usagef(hint, format string, args ...any) error {
	return &usageError{Err: fmt.Errorf(format, args...), Hint: hint}
}

// exitError ends the command with a code after everything has been said.
type exitError struct{ Code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.Code) }

// exitWith returns nil for code 0, so that a command can end with it.
func exitWith(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{Code: code}
}

// advice is what the edge knows about an error: which code to exit with and what a person can do about it.
type advice struct {
	code int
	hint string
}

func exitCodeFor(err error) int { return adviceFor(err).code }
func hintFor(err error) string  { return adviceFor(err).hint }

// adviceFor looks the error up by type; the first match is the most telling one.
func adviceFor(err error) advice {
	if e, ok := errors.AsType[*usageError](err); ok {
		return advice{exitUsage, e.Hint}
	}
	if _, ok := errors.AsType[*penstock.LetterError](err); ok {
		return advice{exitIncomplete, "free space or name another directory with --dead-letters, then run the same command again; nothing was acknowledged without a place to rest"}
	}
	return advice{exitInternal, ""}
}

// printable keeps an error on one line and untrusted bytes away from the terminal: control and bidirectional
// characters are shown as escapes.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
