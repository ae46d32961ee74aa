package cli

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"unicode"

	"github.com/seed56735111/penstock/internal/advice"
)

// The exit codes of every command.
const (
	exitOK          = advice.OK
	exitInternal    = advice.Internal
	exitUsage       = advice.Usage
	exitDeadLetters = advice.DeadLetters
	exitIncomplete  = advice.Incomplete
	exitRefused     = advice.Refused
)

type usageError = advice.UsageError

func usagef(hint, format string, args ...any) error { return advice.Usagef(hint, format, args...) }

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

func exitCodeFor(err error) int { return adviceFor(err).Code }
func hintFor(err error) string  { return adviceFor(err).Hint }

func adviceFor(err error) advice.Advice {
	if _, ok := errors.AsType[*outputError](err); ok {
		return advice.Advice{
			Code: exitIncomplete,
			Hint: "see to it that standard output can be written, then run the same command again; " +
				"what has arrived is not doubled",
		}
	}
	return advice.For(err)
}

// networkCause is the innermost reason of a failure to listen or to connect: what is around it names functions of Go,
// and repeats the address.
func networkCause(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.SyscallError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*net.AddrError](err); ok {
		return errors.New(e.Err)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return errors.New(e.Err)
	}
	return err
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

// shellQuoted is a text as one word for a shell.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
