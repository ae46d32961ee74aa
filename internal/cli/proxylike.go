package cli

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A peer is another signing proxy that penstock proxy is run in place of.
type peer struct {
	name  string
	flags []peerFlag
	// finish says what follows from all flags together.
	finish func(l *likeness, lookup func(string) (string, bool)) error
}

// A verdict is what becomes of a peer's flag.
type verdict string

// The verdicts, as the pages write them.
const (
	isTaken     verdict = "taken"
	isDifferent verdict = "taken with a difference"
	isRefused   verdict = "refused"
)

// peerFlag is a flag of a peer.
type peerFlag struct {
	name    string
	short   string
	yesNo   bool // it takes no value
	verdict verdict
	// here is the flag of penstock proxy that gets the value. With set, that gives it.
	here string
	set  func(l *likeness, value string) error
	// why says what is different, or why the flag is refused; out is the way out of the refusal.
	why, out string
}

// likeness is a command line of a peer on its way to one of penstock proxy.
type likeness struct {
	args        []string
	differences []string
	// The peer's flags that are only understood together.
	host, scheme, port string
	version            bool // alone
	// insecure takes any certificate of an endpoint on this machine.
	insecure bool
}

// add gives penstock proxy a flag.
func (l *likeness) add(name, value string) { l.args = append(l.args, "--"+name+"="+value) }

// logLevelDebug is what asks for more messages.
func logLevelDebug(l *likeness, _ string) error {
	l.add("log-level", "debug")
	return nil
}

// ignored takes a flag that changes nothing here.
func ignored(*likeness, string) error { return nil }

// peers are the proxies with their flags, as their sources have them: aws-es-proxy 1.5, aws-sigv4-proxy of 2026.
func peers() []peer {
	return []peer{
		{name: "aws-es-proxy", flags: esProxyFlags(), finish: finishESProxy},
		{name: "aws-sigv4-proxy", flags: sigv4ProxyFlags(), finish: finishSigv4Proxy},
	}
}

func esProxyFlags() []peerFlag {
	return []peerFlag{
		{name: "endpoint", verdict: isTaken, here: "domain", why: "plain http to other machines is refused"},
		{
			name: "listen", verdict: isTaken, here: "listen",
			why: "an address that other machines reach wants TLS and client authentication",
		},
		{name: "assume", verdict: isTaken, here: "role-arn"},
		{name: "no-sign-reqs", yesNo: true, verdict: isTaken, here: "no-sign"},
		{
			name: "timeout", verdict: isDifferent, here: "stall-timeout",
			set: func(l *likeness, value string) error {
				n, err := strconv.ParseUint(value, 10, 31)
				if err != nil || n == 0 {
					return errors.New("not a number of seconds")
				}
				l.add("stall-timeout", (time.Duration(n) * time.Second).String())
				return nil
			},
			why: "it is how long the domain may be silent, not how long a request may last; without it six minutes",
		},
		{
			name: "verbose", yesNo: true, verdict: isDifferent,
			set: func(l *likeness, _ string) error { l.add("audit", "-"); return nil },
			why: "a line of JSON for each request on standard error, without bodies (--audit -)",
		},
		{
			name: "pretty", yesNo: true, verdict: isDifferent, set: ignored,
			why: "lines stay lines of JSON, and bodies are not logged",
		},
		{
			name: "log-to-file", yesNo: true, verdict: isDifferent,
			set: func(l *likeness, _ string) error { l.add("audit", "requests.log"); return nil },
			why: "requests.log gets a line for each request (--audit); bodies and answers are never written down",
		},
		{name: "debug", yesNo: true, verdict: isTaken, set: logLevelDebug, why: "--log-level debug"},
		{
			name: "auth", yesNo: true, verdict: isRefused,
			why: "a password on the command line is read by everybody on this machine",
			out: "put the SHA-256 of the password into --clients FILE, or use --listen unix:PATH",
		},
		{
			name: "username", verdict: isDifferent, set: ignored,
			why: "it says nothing without -auth",
		},
		{name: "password", verdict: isDifferent, set: ignored, why: "it says nothing without -auth"},
		{name: "realm", verdict: isDifferent, set: ignored, why: "it says nothing without -auth"},
		{
			name: "remote-terminate", yesNo: true, verdict: isRefused,
			why: "whoever reaches the proxy could end it, web pages among them", out: "send SIGTERM to the process",
		},
		{
			name: "version", yesNo: true, verdict: isDifferent,
			set: func(l *likeness, _ string) error { l.version = true; return nil },
			why: "it is the version of penstock",
		},
	}
}

func finishESProxy(l *likeness, lookup func(string) (string, bool)) error {
	if slices.ContainsFunc(l.args, func(a string) bool { return strings.HasPrefix(a, "--domain=") }) {
		return nil
	}
	if endpoint, ok := lookup("ENDPOINT"); ok {
		l.add("domain", endpoint)
	}
	return nil
}

func sigv4ProxyFlags() []peerFlag {
	const fewPass = "only the headers of a list are sent on (docs/proxy.md)"
	return []peerFlag{
		{
			name: "host", verdict: isTaken, here: "domain",
			set: func(l *likeness, value string) error { l.host = value; return nil },
			why: "needed: a client's Host header never chooses where its request goes",
		},
		{
			name: "port", verdict: isTaken, here: "listen",
			set: func(l *likeness, value string) error { l.port = value; return nil },
			why: "without it 127.0.0.1:8080; an address that other machines reach wants TLS and client authentication",
		},
		{
			name: "upstream-url-scheme", verdict: isTaken, here: "domain",
			set: func(l *likeness, value string) error { l.scheme = value; return nil },
			why: "plain http to other machines is refused",
		},
		{
			name: "name", verdict: isTaken, here: "service",
			set: func(l *likeness, value string) error {
				if value != "es" && value != "aoss" {
					return &usageError{
						Err:  fmt.Errorf("--name %s: this proxy is for OpenSearch domains and collections", value),
						Hint: "give --name es or --name aoss; other services need another proxy",
					}
				}
				l.add("service", value)
				return nil
			},
			why: "es or aoss; every other service is refused",
		},
		{name: "region", verdict: isTaken, here: "region", why: "never guessed: us-east-1 is no default"},
		{name: "sign-host", verdict: isTaken, here: "sign-for", why: "the certificate has to be that host's too"},
		{name: "role-arn", verdict: isTaken, here: "role-arn"},
		{
			name: "no-verify-ssl", yesNo: true, verdict: isDifferent,
			set: func(l *likeness, _ string) error { l.insecure = true; return nil },
			why: "for a --host on loopback alone; another machine could be anybody",
			out: "give --ca-file the authority of the certificate, and behind a tunnel --sign-host the name in it",
		},
		{
			name: "unsigned-payload", yesNo: true, verdict: isRefused,
			why: "a signature without the body lets whoever is on the way exchange it, and es refuses it",
			out: "leave it out: bodies are hashed while they arrive",
		},
		{
			name: "verbose", short: "v", yesNo: true, verdict: isDifferent, set: logLevelDebug,
			why: "bodies and keys are not logged",
		},
		{
			name: "log-failed-requests", yesNo: true, verdict: isDifferent, set: ignored,
			why: "refusals are always logged, with their cause and without their body",
		},
		{
			name: "log-signing-process", yesNo: true, verdict: isDifferent, set: ignored,
			why: "penstock request -v shows what is signed",
		},
		{name: "strip", short: "s", verdict: isDifferent, set: strip("strip"), why: fewPass},
		{name: "strip-header", verdict: isDifferent, set: strip("strip-header"), why: fewPass},
		{
			name: "strip-param", verdict: isRefused, why: "queries arrive as they were sent",
			out: "leave the parameter out in the client",
		},
		{
			name: "duplicate-headers", verdict: isRefused, why: "what a client sends to say who it is stays here",
			out: "leave it out: the domain has no use for X-Original- headers",
		},
		{
			name: "custom-headers", verdict: isRefused, why: fewPass,
			out: "set the header in the client, when it is one of these",
		},
		{
			name: "transport.idle-conn-timeout", verdict: isDifferent,
			set: func(_ *likeness, value string) error { _, err := time.ParseDuration(value); return err },
			why: "connections are kept for 50 seconds when idle",
		},
		{
			name: "rate-limit", verdict: isRefused, why: "the proxy does not count requests for a second",
			out: "leave it out; bodies under way have a budget, and the domain answers 429 when it is too much",
		},
		{name: "burst-limit", verdict: isRefused, why: "see --rate-limit", out: "leave it out"},
	}
}

// strip takes a flag that names headers which are not to be sent on, as most never are.
func strip(flag string) func(*likeness, string) error {
	return func(_ *likeness, value string) error {
		pattern := strings.ToLower(strings.TrimSuffix(value, "*"))
		for _, name := range passedHeaders {
			if name == pattern || value != strings.TrimSuffix(value, "*") && strings.HasPrefix(name, pattern) {
				return &usageError{
					Err:  fmt.Errorf("--%s %s: %s is a header that requests to a domain need", flag, value, name),
					Hint: "leave it out in the client, when it is not to be sent",
				}
			}
		}
		return nil
	}
}

// passedHeaders are those that a domain gets, and that somebody may want to keep back.
var passedHeaders = []string{
	"accept", "accept-encoding", "accept-language", "content-encoding", "content-type", "if-match", "if-none-match",
	"range", "user-agent", "x-opaque-id", "securitytenant",
}

func finishSigv4Proxy(l *likeness, _ func(string) (string, bool)) error {
	if l.host == "" {
		return usagef("add --host, the endpoint of the domain",
			"--host is missing: a client's Host header would choose where its request goes, signed")
	}
	if l.scheme == "" {
		l.scheme = "https"
	}
	l.add("domain", l.scheme+"://"+l.host)
	if l.port == "" {
		l.port = "127.0.0.1:8080"
		l.differences = append(l.differences, "--port: "+l.port+" and not every address of this machine")
	}
	l.add("listen", l.port)
	if l.insecure {
		name := l.host
		if host, _, err := net.SplitHostPort(l.host); err == nil {
			name = host
		}
		if !isLoopback(name) {
			f, _ := find(sigv4ProxyFlags(), "no-verify-ssl", false)
			return usagef(f.out, "--no-verify-ssl: %s is not this machine, and could be anybody", l.host)
		}
	}
	return nil
}

// Arguments are the arguments of a process. A program that is called by the name of a peer is penstock proxy in its
// place.
func Arguments(argv []string) []string {
	if len(argv) == 0 {
		return nil
	}
	name := strings.TrimSuffix(filepath.Base(argv[0]), ".exe")
	for _, p := range peers() {
		if p.name == name {
			return slices.Concat([]string{"proxy", "--like", name}, argv[1:])
		}
	}
	return argv[1:]
}

// inPlaceOf turns "proxy --like NAME" with the flags of that program into flags of penstock proxy. Flags that the
// program does not have are penstock's own, and stay.
func inPlaceOf(args []string, lookup func(string) (string, bool)) (out []string, l likeness, err error) {
	at := slices.Index(args, "proxy")
	if at < 0 || completes(args) {
		return args, l, nil
	}
	name, rest := "", slices.Clone(args[at+1:])
	for i, arg := range rest {
		if value, ok := strings.CutPrefix(arg, "--like="); ok {
			name, rest = value, slices.Delete(rest, i, i+1)
			break
		}
		if arg == "--like" && i+1 < len(rest) {
			name = rest[i+1]
			rest = slices.Delete(rest, i, i+2)
			break
		}
	}
	if name == "" {
		return args, l, nil
	}
	for _, p := range peers() {
		if p.name != name {
			continue
		}
		if err := l.read(&p, rest, lookup); err != nil {
			return nil, l, err
		}
		if l.version {
			return []string{"version"}, l, nil
		}
		return slices.Concat(args[:at+1], []string{"--like=" + name}, l.args), l, nil
	}
	return nil, l, usagef("it takes aws-es-proxy or aws-sigv4-proxy", "--like %s: not a proxy whose flags are known", name)
}

// read takes the flags of a peer, in the spelling of Go's flag package and that of kingpin: one dash or two, a value
// behind "=" or in the next argument.
func (l *likeness) read(p *peer, args []string, lookup func(string) (string, bool)) error {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "-h" || arg == "--help" || arg == "-help" {
			l.args = []string{"--help"}
			return nil
		}
		f, value, given := p.find(arg)
		if f == nil {
			l.args = append(l.args, arg)
			continue
		}
		if !given && !f.yesNo {
			if len(args) == 0 {
				return usagef("docs/from-"+p.name+".md has its flags", "%s: a value is missing", arg)
			}
			value, args = args[0], args[1:]
		}
		if err := l.take(p, f, value, given); err != nil {
			return err
		}
	}
	return p.finish(l, lookup)
}

// find is the flag that an argument names, with its value when that is a part of the argument.
func (p *peer) find(arg string) (f *peerFlag, value string, given bool) {
	name, dashed := strings.CutPrefix(arg, "-")
	if !dashed || name == "" {
		return nil, "", false
	}
	long, isLong := strings.CutPrefix(name, "-")
	long, value, given = strings.Cut(long, "=")
	if f, ok := find(p.flags, long, false); ok {
		return f, value, given
	}
	if no, ok := strings.CutPrefix(long, "no-"); ok && !given {
		if f, ok := find(p.flags, no, false); ok && f.yesNo {
			return f, "false", true
		}
	}
	if f, ok := find(p.flags, name[:1], true); ok && !isLong {
		if value = strings.TrimPrefix(name[1:], "="); f.yesNo && value != "" {
			return nil, "", false
		}
		return f, value, value != ""
	}
	return nil, "", false
}

func find(flags []peerFlag, name string, short bool) (*peerFlag, bool) {
	for i := range flags {
		if !short && flags[i].name == name || short && flags[i].short != "" && flags[i].short == name {
			return &flags[i], true
		}
	}
	return nil, false
}

// dashes stand before the peer's flags in its own words.
func (p *peer) dashes() string {
	if p.name == "aws-es-proxy" {
		return "-"
	}
	return "--"
}

// take does what the flag asks for, or refuses.
func (l *likeness) take(p *peer, f *peerFlag, value string, given bool) error {
	spelled := p.dashes() + f.name
	if f.yesNo {
		on := !given
		if given {
			var err error
			if on, err = strconv.ParseBool(value); err != nil {
				return usagef("it takes true or false", "%s=%s: neither true nor false", spelled, value)
			}
		}
		if !on {
			return nil
		}
		value = "true"
	}
	if f.verdict == isRefused {
		return usagef(f.out, "%s: %s", spelled, f.why)
	}
	if f.verdict == isDifferent {
		l.differences = append(l.differences, spelled+": "+f.why)
	}
	if f.set == nil {
		l.add(f.here, value)
		return nil
	}
	err := f.set(l, value)
	var usage *usageError
	if err != nil && !errors.As(err, &usage) {
		return usagef("docs/from-"+p.name+".md has its flags", "%s %s: %w", spelled, value, err)
	}
	return err
}
