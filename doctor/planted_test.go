package doctor_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/sigv4"
)

// plant is a cause that is put into a world, and what the doctor has to say of it.
type plant struct {
	name  string
	world world
	want  doctor.Cause
	// candidates are those of an open cause.
	candidates string
	// check is the one that fails.
	check string
	// warns says that the cause is a warning.
	warns bool
	// applied says that the fix can be applied here, to the letter, and then nothing fails any more.
	applied bool
	// fix is a part of the fix.
	fix string
}

// page answers as a website does, or a proxy.
func page(status int, header ...string) func(*world) http.Handler {
	return says(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(hostile.HTML))
	})
}

func says(h http.HandlerFunc) func(*world) http.Handler {
	return func(*world) http.Handler { return h }
}

// at puts the endpoint under a name that resolves to addr and is reached at what the server is at, or not at all.
func at(host string, addr string, dial func(ctx context.Context, network, addr string) (net.Conn, error),
) func(*doctor.Config) {
	return func(c *doctor.Config) {
		c.URL = "https://" + host
		c.Resolve = func(_ context.Context, name string) ([]netip.Addr, error) {
			if addr == "" || name != host {
				return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
			}
			return []netip.Addr{netip.MustParseAddr(addr)}, nil
		}
		if dial != nil {
			c.Dial = dial
		}
	}
}

func dropped(_ context.Context, network, _ string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: network, Err: os.ErrDeadlineExceeded}
}

const (
	publicHost = "search-logs-abc.eu-west-1.es.amazonaws.com"
	vpcHost    = "vpc-logs-abc.eu-west-1.es.amazonaws.com"
)

// plants are the causes that a walk can find.
func plants(t *testing.T) []plant {
	denyReading := standIn{denied: map[string]bool{"es:DescribeDomainConfig": true, "iam:SimulatePrincipalPolicy": true}}
	signs := func(c sigv4.Credentials) world { return world{caller: c} }
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	never := allows(graceARN, "es:ESHttpGet", "arn:aws:es:eu-west-1:123456789012:domain/logs/never/*")
	noChain := sigv4.ProviderFunc(func(context.Context) (sigv4.Credentials, error) {
		return sigv4.Credentials{}, sigv4.ErrNoCredentials
	})
	blockedAnswer := `400 {"error":{"type":"parse_exception","reason":"request body is required"},"status":400}`
	return []plant{
		// The way there.
		{
			name: "no such name", want: doctor.DNS, check: "dns",
			world: world{set: at(publicHost, "", nil)},
		},
		{
			name: "nothing answers", want: doctor.Unreached, check: "tcp",
			world: world{set: at(publicHost, "52.1.2.3", dropped)},
		},
		{
			name: "nobody listens", want: doctor.Unreached, check: "tcp",
			world: world{set: func(c *doctor.Config) { c.URL = "http://127.0.0.1:1" }},
		},
		{
			name: "a domain in a VPC", want: doctor.VPCOnly, check: "tcp",
			world: world{set: at(vpcHost, "52.1.2.3", dropped)},
		},
		{
			name: "a private address", want: doctor.VPCOnly, check: "tcp",
			world: world{set: at("logs.example.com", "10.1.2.3", dropped)},
		},
		{name: "authority", want: doctor.TLSUntrusted, check: "tls", world: world{secure: true}},
		{
			name: "certificate of another name", want: doctor.TLSName, check: "tls",
			world: world{secure: true, set: func(c *doctor.Config) { c.SignFor = "search-x.eu-west-1.es.amazonaws.com" }},
		},
		{name: "website", want: doctor.NotADomain, check: "answer", world: world{instead: page(200)}},
		{name: "website that refuses", want: doctor.NotADomain, check: "answer", world: world{instead: page(403)}},
		{
			name: "another service", want: doctor.NotADomain, check: "answer",
			world: world{instead: says(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Amzn-Errortype", "MissingAuthenticationTokenException")
				w.WriteHeader(http.StatusForbidden)
				_, _ = w.Write([]byte(`{"message":"Missing Authentication Token"}`))
			})},
		},
		{name: "squid", want: doctor.ProxyInBetween, check: "answer", world: world{instead: page(403, "Server", "squid/5")}},
		{
			name: "proxy with a login", want: doctor.ProxyInBetween, check: "answer",
			world: world{instead: page(407, "Proxy-Authenticate", "Basic")},
		},
		{
			name: "dashboards", want: doctor.WrongEndpoint, check: "answer",
			world: world{instead: page(302, "Location", "/_dashboards/app/login")},
		},
		{
			name: "path of dashboards", want: doctor.WrongEndpoint, check: "endpoint",
			world: world{set: func(c *doctor.Config) { c.URL += "/_dashboards" }},
		},
		{
			name: "configuration API", want: doctor.WrongEndpoint, check: "endpoint",
			world: world{set: func(c *doctor.Config) { c.URL = "https://es.eu-west-1.amazonaws.com" }},
		},
		{name: "throttled at the edge", want: doctor.Throttled, check: "policy", world: world{faults: "text429"}},
		{name: "throttled by the engine", want: doctor.Throttled, check: "policy", world: world{faults: "429"}},

		// Who signs.
		{
			name: "no credentials", want: doctor.CredentialsMissing, check: "credentials",
			world: world{set: func(c *doctor.Config) { c.Credentials = noChain }},
		},
		{
			name: "metadata too far", want: doctor.IMDSHops, check: "credentials",
			world: world{set: func(c *doctor.Config) {
				c.Credentials, c.Metadata = noChain, "http://"+silent.Addr().String()
			}},
		},
		{
			name: "session over", want: doctor.CredentialsExpired, check: "credentials", world: signs(sigv4.Credentials{
				AccessKeyID: "ASIAPAST", SecretAccessKey: "secret-past", SessionToken: "token-past",
				Expires: time.Now().Add(-time.Minute),
			}),
		},
		{
			name: "session over, and nobody said so", want: doctor.CredentialsExpired, check: "signature",
			world: signs(sigv4.Credentials{
				AccessKeyID: "ASIAPAST", SecretAccessKey: "secret-past", SessionToken: "token-past",
			}),
		},
		{name: "token expired", want: doctor.CredentialsExpired, check: "signature", world: world{faults: "expired-token"}},
		{
			name: "key", want: doctor.KeyUnknown, check: "signature",
			world: signs(sigv4.Credentials{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}),
		},
		{
			name: "secret", want: doctor.SecretWrong, check: "signature",
			world: signs(sigv4.Credentials{AccessKeyID: "AKIAGRACE", SecretAccessKey: "x"}),
		},
		{
			name: "no token", want: doctor.TokenMissing, check: "signature",
			world: signs(sigv4.Credentials{AccessKeyID: "ASIASHIPPER", SecretAccessKey: "secret-shipper"}),
		},
		{
			name: "wrong token", want: doctor.TokenInvalid, check: "signature", world: signs(sigv4.Credentials{
				AccessKeyID: "ASIASHIPPER", SecretAccessKey: "secret-shipper", SessionToken: "x",
			}),
		},
		{
			name: "old token beside a user's key", want: doctor.TokenInvalid, check: "signature", world: signs(sigv4.Credentials{
				AccessKeyID: "AKIAGRACE", SecretAccessKey: "secret-grace", SessionToken: "x",
			}),
		},
		{
			name: "region", want: doctor.RegionWrong, check: "signature",
			world: world{set: func(c *doctor.Config) { c.Region = "us-east-1" }},
		},
		{
			name: "no region", want: doctor.RegionWrong, check: "endpoint",
			world: world{set: func(c *doctor.Config) { c.Region = "" }},
		},
		{
			name: "service", want: doctor.ServiceWrong, check: "signature",
			world: world{set: func(c *doctor.Config) { c.Service = "aoss" }},
		},
		{name: "clock of the domain", want: doctor.ClockSkew, check: "clock", world: world{faults: "clock-skew=10m"}},
		{
			name: "clock of this machine", want: doctor.ClockSkew, check: "clock",
			world: world{set: func(c *doctor.Config) { c.Now = func() time.Time { return time.Now().Add(-time.Hour) } }},
		},
		{
			name: "host", want: doctor.HeaderChanged, check: "signature",
			world: world{alter: func(r *http.Request) { r.Host = "upstream" }},
		},
		{
			name: "no Authorization", want: doctor.HeaderChanged, check: "signature",
			world: world{alter: func(r *http.Request) { r.Header.Del("Authorization") }},
		},
		{
			name: "path", want: doctor.PathEncoding, check: "signature", world: world{alter: func(r *http.Request) {
				r.URL.Opaque = strings.Replace(r.URL.Opaque, "*", "%2A", 1)
			}},
		},
		{
			name: "query", want: doctor.PathEncoding, check: "signature", world: world{alter: func(r *http.Request) {
				r.URL.Opaque = strings.Replace(r.URL.Opaque, "%2B", "+", 1)
			}},
		},
		{
			name: "gateway with a prefix", want: doctor.ProxyInBetween, check: "signature",
			world: world{alter: func(r *http.Request) { r.URL.Opaque = "/es" + r.URL.Opaque }},
		},
		{
			name: "body", want: doctor.BodyChanged, check: "signature", world: world{alter: func(r *http.Request) {
				if r.ContentLength > 0 {
					hostile.SetBody(r, strings.NewReader("{ }"), 3)
				}
			}},
		},
		{
			name: "path, and the domain hides what it signed", want: doctor.PathEncoding, check: "signature",
			world: world{faults: "short-signature", alter: func(r *http.Request) {
				r.URL.Opaque = strings.Replace(r.URL.Opaque, "*", "%2A", 1)
			}},
		},
		{
			name: "body, and the domain hides what it signed", want: doctor.BodyChanged, check: "signature",
			world: world{faults: "short-signature", alter: func(r *http.Request) {
				if r.ContentLength > 0 {
					hostile.SetBody(r, strings.NewReader("{ }"), 3)
				}
			}},
		},
		{
			name: "secret, and the domain hides what it signed", want: doctor.Signature, check: "signature",
			candidates: "header-changed secret-wrong",
			world: world{
				faults: "short-signature", caller: sigv4.Credentials{AccessKeyID: "AKIAGRACE", SecretAccessKey: "x"},
			},
		},

		// The policies.
		{
			name: "anonymous", want: doctor.Anonymous, check: "policy",
			world: world{set: func(c *doctor.Config) { c.NoSign, c.Credentials = true, nil }},
		},
		{
			name: "a denying statement", want: doctor.PolicyDenies, check: "policy", fix: "statement 1 (no-writes)",
			world: world{policy: strings.Replace(allows(graceARN, "es:*", domainARN+"/*"), "]}",
				`,{"Sid":"no-writes","Effect":"Deny","Principal":{"AWS":"*"},"Action":"es:ESHttpPost","Resource":"*"}]}`, 1)},
		},
		{
			name: "a denying statement that cannot be read", want: doctor.PolicyDenies, check: "policy",
			world: world{aws: denyReading, policy: strings.Replace(allows(graceARN, "es:*", domainARN+"/*"), "]}",
				`,{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"es:ESHttpPost","Resource":"*"}]}`, 1)},
		},
		{
			name: "principal", want: doctor.PolicyLacksPrincipal, check: "policy", applied: true,
			fix:   `"AWS":"` + graceARN + `"`,
			world: world{policy: allows("arn:aws:iam::123456789012:user/somebody", "es:*", domainARN+"/*")},
		},
		{
			name: "role", want: doctor.PolicyLacksPrincipal, check: "policy", applied: true,
			fix:   `"AWS":"arn:aws:iam::123456789012:role/shipper"`,
			world: world{caller: shipper()},
		},
		{
			name: "action", want: doctor.PolicyLacksAction, check: "policy", applied: true, fix: `"Action":"es:ESHttpPost"`,
			world: world{policy: allows(graceARN, "es:ESHttpGet", domainARN+"/*")},
		},
		{
			name: "path", want: doctor.PolicyLacksPath, check: "policy", applied: true,
			fix:   `"Resource":"` + domainARN + `/_bulk"`,
			world: world{policy: allows(graceARN, "es:*", domainARN)},
		},
		{
			name: "path of an index", want: doctor.PolicyLacksPath, check: "policy", applied: true,
			fix: `"Resource":"` + domainARN + `/logs-*/_bulk"`,
			world: world{
				policy: allows(graceARN, "es:*", domainARN+"/other-*/*"),
				set:    func(c *doctor.Config) { c.Index, c.InPath = "logs-*", true },
			},
		},
		{
			name: "action, by probes", want: doctor.PolicyLacksAction, check: "policy", applied: true,
			world: world{aws: denyReading, policy: allows(graceARN, "es:ESHttpGet", domainARN+"/*")},
		},
		{
			name: "path, by probes", want: doctor.PolicyLacksPath, check: "policy", applied: true,
			world: world{aws: denyReading, policy: allows(graceARN, "es:ESHttpPost", domainARN+"/_search")},
		},
		{
			name: "nothing is let through, and nothing can be read", want: doctor.PolicyRefuses, check: "policy",
			candidates: "policy-lacks-principal policy-lacks-action policy-lacks-path", applied: true,
			world: world{aws: denyReading, policy: never},
		},
		{
			name: "boundary", want: doctor.BoundaryOrSCP, check: "policy", world: world{
				caller: sigv4.Credentials{AccessKeyID: "AKIABOUND", SecretAccessKey: "secret-bound"},
			},
		},
		{
			name: "organization, by IAM's simulation", want: doctor.BoundaryOrSCP, check: "policy",
			world: world{policy: never, aws: standIn{simulation: "<EvalDecision>implicitDeny</EvalDecision>" +
				"<OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations>" +
				"</OrganizationsDecisionDetail>"}},
		},
		{
			name: "identity policy that denies, by IAM's simulation", want: doctor.PolicyDenies, check: "policy",
			world: world{policy: never, aws: standIn{simulation: "<EvalDecision>explicitDeny</EvalDecision>"}},
		},
		{
			name: "address", want: doctor.AddressNotListed, check: "policy", applied: true, fix: "127.0.0.1/32",
			world: world{
				policy: strings.Replace(allows("*", "es:*", domainARN+"/*"), `"Action"`,
					`"Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24"]}},"Action"`, 1),
				set: func(c *doctor.Config) { c.NoSign = true },
			},
		},
		{
			name: "half of another account", want: doctor.OtherAccountHalf, check: "policy", applied: true,
			world: world{aws: denyReading, caller: sigv4.Credentials{
				AccessKeyID: "AKIAOTHER", SecretAccessKey: "secret-other",
			}},
		},
		{
			name: "data access", want: doctor.AOSSDataAccess, check: "policy", applied: true,
			world: collection(),
		},

		// Behind the gate.
		{
			name: "no role", want: doctor.FineGrainedRole, check: "fine-grained", fix: `"backend_roles":["` + graceARN + `"]`,
			world: world{behind: engineWith(map[string]string{
				"GET /_plugins/_security/authinfo": `200 {"user_name":"` + graceARN + `","roles":["own_index"]}`,
			})},
		},
		{
			name: "a role that may not write", want: doctor.FineGrainedRole, check: "write",
			world: world{
				set: func(c *doctor.Config) { c.Write = true },
				behind: engineWith(map[string]string{
					"POST /_bulk": `403 {"error":{"type":"security_exception","reason":"no permissions for ` +
						`[indices:data/write/bulk] and User [name=x]"},"status":403}`,
				}),
			},
		},
		{
			name: "password", want: doctor.BasicAuthWanted, check: "policy",
			world: world{behind: engineWith(map[string]string{"POST /_bulk": "401 Unauthorized"})},
		},
		{
			name: "block on the cluster", want: doctor.WritesBlocked, check: "blocks", world: world{
				behind: engineWith(map[string]string{
					"POST /_bulk":            blockedAnswer,
					"GET /_cluster/settings": `200 {"persistent":{"cluster.blocks.read_only":"true"},"transient":{}}`,
				}),
			},
		},
		{
			name: "disk", want: doctor.DiskFull, check: "disk", world: world{
				behind: engineWith(map[string]string{"GET /_cat/allocation": `200 [{"node":"n1","disk.percent":"97"}]`}),
			},
		},
		{
			name: "block of the watermark", want: doctor.DiskFull, check: "blocks", world: world{
				set: func(c *doctor.Config) { c.Index = "logs-*" },
				behind: engineWith(map[string]string{
					"GET /_cat/allocation":  `200 [{"node":"n1","disk.percent":"97"}]`,
					"GET /logs-*/_settings": `200 {"logs-1":{"settings":{"index.blocks.read_only_allow_delete":"true"}}}`,
				}),
			},
		},
		{
			name: "disk, nearly", want: doctor.DiskFull, check: "disk", warns: true, world: world{
				behind: engineWith(map[string]string{"GET /_cat/allocation": `200 [{"node":"n1","disk.percent":"92"}]`}),
			},
		},
		{
			name: "shards", want: doctor.ShardLimit, check: "shards", world: world{behind: engineWith(map[string]string{
				"GET /_cluster/health": `200 {"number_of_data_nodes":1,"active_shards":1000,"unassigned_shards":0}`,
			})},
		},

		// Beside it.
		{
			name: "queue", want: doctor.QueueVisibility, check: "queue", applied: true, world: world{
				aws: standIn{visibility: 30, timeout: 300}, set: func(c *doctor.Config) {
					c.Queue, c.Function = "https://sqs.eu-west-1.amazonaws.com/123456789012/files", "ship"
				},
			},
		},
		{
			name: "queue, nearly", want: doctor.QueueVisibility, check: "queue", warns: true, applied: true, world: world{
				aws: standIn{visibility: 300, timeout: 300}, set: func(c *doctor.Config) {
					c.Queue, c.Function = "https://sqs.eu-west-1.amazonaws.com/123456789012/files", "ship"
				},
			},
		},
		{
			name: "function", want: doctor.FunctionTimeout, check: "function", applied: true, world: world{
				aws: standIn{timeout: 60, logLine: "2026-01-01 Task timed out after 60.06 seconds"},
				set: func(c *doctor.Config) { c.Function = "ship" },
			},
		},
		{
			name: "function with little time", want: doctor.FunctionTimeout, check: "function", warns: true, applied: true,
			world: world{aws: standIn{timeout: 3}, set: func(c *doctor.Config) { c.Function = "ship" }},
		},
	}
}

// collection answers as a serverless collection does: 403 without a reason, until a policy names the caller.
func collection() world {
	w := world{set: func(c *doctor.Config) { c.Service = "aoss" }}
	w.instead = func(w *world) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.aws.mu.Lock()
			let := slices.Contains(w.aws.principals, graceARN)
			w.aws.mu.Unlock()
			status, text := http.StatusNotFound, `{"status":404,"error":{"type":"x","reason":"no such thing"}}`
			if r.Method == http.MethodPost && !let {
				status = http.StatusForbidden
				text = `{"status":403,"request-id":"x","error":{"reason":"403 Forbidden","type":"Forbidden"}}`
			}
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			_, _ = rw.Write([]byte(text))
		})
	}
	return w
}

// TestEachPlantedCauseIsNamed plants one cause after the other, and applies the fix to the letter where it can.
func TestEachPlantedCauseIsNamed(t *testing.T) {
	t.Parallel()
	for _, p := range plants(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			cfg := p.world.open(t)
			r := doctor.Walk(t.Context(), cfg)
			check := wholeReport(t, r, p)
			if !strings.Contains(check.Fix, p.fix) {
				t.Errorf("the fix is %s, without %s", check.Fix, p.fix)
			}
			if !p.applied {
				return
			}
			p.world.apply(t, cfg, check.Fix)
			if again := doctor.Walk(t.Context(), cfg); !again.OK || again.Cause != "" {
				t.Errorf("after %s: %s", check.Fix, textOf(again))
			}
		})
	}
}

// wholeReport wants the cause that was planted and no other, and the form that reports have. It returns the check that
// failed.
func wholeReport(t *testing.T, r *doctor.Report, p plant) doctor.Check {
	t.Helper()
	if r.Cause != p.want || joined(r.Candidates) != p.candidates && p.candidates != "" || r.OK != p.warns {
		t.Fatalf("cause %s, candidates %q, ok %v; want %s, %q; %s", r.Cause, joined(r.Candidates), r.OK, p.want, p.candidates,
			textOf(r))
	}
	if want := p.want.Info().Exit; !p.warns && r.Exit() != want || p.warns && r.Exit() != 0 {
		t.Errorf("exit code %d", r.Exit())
	}
	if len(r.Candidates) > 3 {
		t.Errorf("candidates %v", r.Candidates)
	}
	var found doctor.Check
	for _, c := range r.Checks {
		switch {
		case c.Status == doctor.OK && (c.Cause != "" || c.Seen == ""):
			t.Errorf("%+v", c)
		case c.Status == doctor.Skipped && (c.Seen == "" || c.Cause != "" && c.Cause != doctor.Earlier):
			t.Errorf("%+v", c)
		case c.Status == doctor.Failed || c.Status == doctor.Warning:
			if found.Name != "" {
				t.Errorf("%s has %s too", c.Name, c.Cause)
			}
			found = c
			if c.Seen == "" || c.Means == "" || c.Fix == "" {
				t.Errorf("%+v", c)
			}
		}
		for _, secret := range []string{"secret-", "token-"} {
			if strings.Contains(c.Seen+c.Fix, secret+"grace") || strings.Contains(c.Seen+c.Fix, secret+"shipper") {
				t.Errorf("a secret is shown: %+v", c)
			}
		}
		if opens(t, c.Fix, p) {
			t.Errorf("the fix opens more than was missing: %s", c.Fix)
		}
	}
	if found.Name != p.check {
		t.Errorf("%s failed, want %s", found.Name, p.check)
	}
	return found
}

// opens reports whether a statement that a fix adds has a star where none was missing.
func opens(t *testing.T, fix string, p plant) bool {
	t.Helper()
	added := fix
	if strings.Contains(fix, "--access-policies") { // the last statement is what is new
		words := shellWords(t, fix)
		var policy struct{ Statement []json.RawMessage }
		for _, word := range words {
			if strings.HasPrefix(word, "{") && json.Unmarshal([]byte(word), &policy) == nil && len(policy.Statement) > 0 {
				added = string(policy.Statement[len(policy.Statement)-1])
			}
		}
	}
	anyone := strings.Contains(added, `"AWS":"*"`) && p.want != doctor.AddressNotListed
	return anyone || strings.Contains(added, `"es:*"`) || strings.Contains(added, `"Resource":"*"`) ||
		strings.Contains(added, "--insecure")
}

func textOf(r *doctor.Report) string {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// TestNothingIsWrongWithAHealthyDomain walks to three domains that are well: of a user, of a role that may write and
// nothing else, and one that is open.
func TestNothingIsWrongWithAHealthyDomain(t *testing.T) {
	t.Parallel()
	least := allows("arn:aws:iam::123456789012:role/shipper", "es:ESHttpPost", domainARN+"/_bulk")
	open := allows("*", "es:*", domainARN+"/*")
	full := func(c *doctor.Config) {
		c.Write, c.Index, c.Function = true, "logs-*", "ship"
		c.Queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/files"
	}
	none := standIn{denied: map[string]bool{
		"es:DescribeDomainConfig": true, "iam:SimulatePrincipalPolicy": true, "sts:GetCallerIdentity": true,
	}}
	for name, w := range map[string]*world{
		"all of it":    {aws: standIn{visibility: 1800, timeout: 300}, set: full},
		"least rights": {policy: least, caller: shipper(), aws: none},
		"open":         {policy: open, set: func(c *doctor.Config) { c.NoSign, c.Credentials = true, nil }},
		"real engine's answers": {behind: engineWith(map[string]string{
			"GET /logs-*/_settings": `200 {"logs-1":{"settings":{"index.blocks.write":"true"}},"logs-2":{"settings":{}}}`,
			"GET /logs-*/_mapping":  `200 {"logs-2":{"mappings":{"properties":{"a":{"type":"text","fields":{"b":{}}}}}}}`,
		}), set: func(c *doctor.Config) { c.Index = "logs-*" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := doctor.Walk(t.Context(), w.open(t))
			if !r.OK || r.Cause != "" || r.Exit() != 0 {
				t.Errorf("%s", textOf(r))
			}
		})
	}
}

// TestAWayGoesOnWhenAnotherBreaks has everything break, and every way say so for itself.
func TestAWayGoesOnWhenAnotherBreaks(t *testing.T) {
	t.Parallel()
	w := world{aws: standIn{visibility: 30, timeout: 300, denied: map[string]bool{"logs:FilterLogEvents": true}}}
	w.set = func(c *doctor.Config) {
		c.URL = "ftp://x"
		c.Bucket = func(context.Context) (string, error) { return "listed", nil }
		c.DeadLetters = func(context.Context, bool) (string, error) { return "", os.ErrPermission }
		c.Queue, c.Function = "https://sqs.eu-west-1.amazonaws.com/123456789012/files", "ship"
	}
	r := doctor.Walk(t.Context(), w.open(t))
	got := map[string]doctor.Check{}
	for _, c := range r.Checks {
		got[c.Name] = c
	}
	if r.OK || r.Cause != doctor.WrongEndpoint ||
		got["dns"].Cause != doctor.Earlier || got["dns"].Status != doctor.Skipped ||
		got["bucket"].Status != doctor.OK || got["dead-letters"].Cause != doctor.Unknown ||
		got["function"].Status != doctor.OK || got["queue"].Cause != doctor.QueueVisibility {
		t.Errorf("%s", textOf(r))
	}
	if c := got["function-log"]; c.Status != doctor.Skipped || !strings.Contains(c.Seen, "logs:FilterLogEvents") ||
		!strings.Contains(c.Fix, `{"Action":"logs:FilterLogEvents","Effect":"Allow",`+
			`"Resource":"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/ship"}`) {
		t.Errorf("%+v", c)
	}
}

// TestNothingIsWrittenUnlessAskedFor counts what reaches the engine.
func TestNothingIsWrittenUnlessAskedFor(t *testing.T) {
	t.Parallel()
	var stored, removed []string
	engine := engineWith(nil)
	w := world{behind: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodDelete:
			removed = append(removed, r.URL.Path)
			_, _ = rw.Write([]byte("{}"))
			return
		case r.Method == http.MethodPut, r.URL.Path == "/_bulk" && r.ContentLength != 0:
			stored = append(stored, r.Method+" "+r.URL.Path)
			rw.WriteHeader(http.StatusOK)
			_, _ = rw.Write([]byte(`{"items":[{"index":{"status":201}}]}`))
			return
		}
		engine.ServeHTTP(rw, r)
	})}
	cfg := w.open(t)
	if r := doctor.Walk(t.Context(), cfg); !r.OK || len(stored) != 0 || len(removed) != 0 {
		t.Errorf("stored %v, removed %v: %s", stored, removed, textOf(r))
	}
	cfg.Write = true
	if r := doctor.Walk(t.Context(), cfg); !r.OK || len(stored) != 1 || len(removed) != 1 ||
		!strings.HasPrefix(removed[0], "/penstock-doctor-") {
		t.Errorf("stored %v, removed %v: %s", stored, removed, textOf(r))
	}
}

// TestAnInterruptedWriteIsRemoved ends the walk while the domain holds the document.
func TestAnInterruptedWriteIsRemoved(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	removed := make(chan string, 3)
	engine := engineWith(nil)
	w := world{behind: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodDelete:
			removed <- r.URL.Path
			_, _ = rw.Write([]byte("{}"))
			return
		case r.URL.Path == "/_bulk" && r.ContentLength != 0:
			cancel()
			<-r.Context().Done()
			return
		}
		engine.ServeHTTP(rw, r)
	})}
	w.set = func(c *doctor.Config) { c.Write = true }
	doctor.Walk(ctx, w.open(t))
	select {
	case path := <-removed:
		if !strings.HasPrefix(path, "/penstock-doctor-") {
			t.Errorf("removed %s", path)
		}
	default:
		t.Error("what may have been stored was not removed")
	}
}

// TestAccountsAreMasked hides them in every text, and leaves the rest.
func TestAccountsAreMasked(t *testing.T) {
	t.Parallel()
	w := world{policy: allows("arn:aws:iam::123456789012:user/somebody", "es:*", domainARN+"/*")}
	r := doctor.Walk(t.Context(), w.open(t))
	if !strings.Contains(textOf(r), account) {
		t.Fatal("there is no account to mask")
	}
	r.MaskAccounts()
	if text := textOf(r); strings.Contains(text, account) || !strings.Contains(text, ":user/grace") {
		t.Errorf("%s", text)
	}
}
