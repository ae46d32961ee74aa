package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/iam"
)

// banner is the answer to GET /.
type banner struct {
	Cluster string `json:"cluster_name"`
	Version struct {
		Number       string `json:"number"`
		Distribution string `json:"distribution"`
	} `json:"version"`
}

func bannerOf(body []byte) (b banner, ok bool) {
	err := json.Unmarshal(body, &b)
	return b, err == nil && b.Version.Number != ""
}

func (b banner) String() string {
	return short(cmp.Or(b.Version.Distribution, "elasticsearch") + " " + b.Version.Number + ", cluster " + b.Cluster)
}

// learn takes the account and the name of the domain from its cluster name, ACCOUNT:NAME.
func (w *walk) learn(b banner) {
	account, name, ok := strings.Cut(b.Cluster, ":")
	if !ok || w.region == "" || w.domain.Account != "" {
		return
	}
	d := iam.Domain{Partition: iam.PartitionOf(w.region), Region: w.region, Account: account, Name: name}
	if _, err := iam.ParseDomain(d.ARN()); err == nil {
		w.domain = d
	}
}

// domainOf reads the name of a domain from its endpoint: search-NAME-ID or vpc-NAME-ID. The account is not known.
func domainOf(host, region string) iam.Domain {
	label, _, _ := strings.Cut(host, ".")
	name, ok := strings.CutPrefix(label, "search-")
	if !ok {
		name, ok = strings.CutPrefix(label, "vpc-")
	}
	end := strings.LastIndexByte(name, '-')
	if !ok || end < 1 {
		return iam.Domain{}
	}
	return iam.Domain{Partition: iam.PartitionOf(region), Region: region, Name: name[:end]}
}

func (w *walk) checkCredentials(ctx context.Context) Check {
	if w.cfg.NoSign {
		return Check{Status: Skipped, Seen: "nothing is signed"}
	}
	c, err := w.provider().Credentials(ctx)
	if err != nil {
		d, ok := w.cfg.Explain(err)
		if !ok {
			d = open(CredentialsMissing)
		}
		if d.Cause == CredentialsMissing && w.metadataIsFar(ctx) {
			d = is(IMDSHops)
		}
		return failed(d, textOf(err))
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return failed(is(CredentialsMissing), "the chain gives no keys")
	}
	seen := "access key " + shortKey(c.AccessKeyID)
	if w.cfg.Provider != nil {
		if p := w.cfg.Provider(ctx); p != "" {
			seen += ", from " + p
		}
	}
	if !c.Expires.IsZero() {
		if left := c.Expires.Sub(w.cfg.Now()); left <= 0 {
			return failed(is(CredentialsExpired), seen+", until "+c.Expires.UTC().Format(time.RFC3339))
		}
		seen += ", until " + c.Expires.UTC().Format(time.RFC3339)
	}
	return okay(seen)
}

// shortKey is as much of an access key id as tells it from others.
func shortKey(id string) string {
	const ends = 4
	if len(id) <= 2*ends {
		return id
	}
	return id[:ends] + "…" + id[len(id)-ends:]
}

// metadataIsFar reports whether the metadata service takes connections and never answers with a token: the packets with
// the answer may make fewer hops than it takes to get here.
func (w *walk) metadataIsFar(ctx context.Context) bool {
	u, err := url.Parse(w.cfg.Metadata)
	if w.cfg.Metadata == "" || err != nil {
		return false
	}
	const patience = 2 * time.Second
	host, port := u.Hostname(), cmp.Or(u.Port(), "80")
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := w.cfg.Dial(limited, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, err = fmt.Fprintf(c, "PUT /latest/api/token HTTP/1.1\r\nHost: %s\r\n"+
		"X-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0\r\n\r\n", host)
	if err != nil {
		return false
	}
	var first [1]byte
	_, err = c.Read(first[:])
	timeout, ok := err.(net.Error) //nolint:errorlint // a connection's own error
	return ok && timeout.Timeout()
}

// authentication are the causes of the layer that judges signatures, before any policy is asked.
var authentication = []Cause{
	KeyUnknown, SecretWrong, TokenMissing, TokenInvalid, CredentialsExpired, RegionWrong, ServiceWrong, ClockSkew,
	HeaderChanged, PathEncoding, BodyChanged, Signature,
}

// unsignedBy says why the signature of a request was not accepted. It reports false when it was.
func unsignedBy(a *answer) (Diagnosis, bool) {
	if a.err == nil {
		return Diagnosis{}, false
	}
	d, _ := Explain(a.err)
	switch a.err.Cause {
	case domain.CauseSignature, domain.CauseToken, domain.CauseScope:
		return d, true
	}
	return d, slices.Contains(authentication, d.Cause)
}

// probes are requests that only read, with what proxies on the way like to change.
var probes = []struct {
	method, target, body string
	changed              Cause
	what                 string
}{
	{http.MethodGet, "/", "", "", "GET /"},
	{
		http.MethodGet, "/penstock-doctor-%2F*,-x/_search?q=a%20b%2Bc&size=0&ignore_unavailable=true", "", PathEncoding,
		"a path and a query with escapes",
	},
	{
		http.MethodPost, "/penstock-doctor-none/_search?ignore_unavailable=true", `{"size":0}`, BodyChanged,
		"a request with a body",
	},
}

func (w *walk) checkSignature(ctx context.Context) Check {
	if w.cfg.NoSign {
		return Check{Status: Skipped, Seen: "nothing is signed"}
	}
	for i, p := range probes {
		a, err := w.ask(ctx, w.signed, p.method, p.target, p.body)
		if err != nil {
			d, _ := w.cfg.Explain(err)
			return failed(d, p.what+": "+textOf(err))
		}
		if i == 0 && a.status == http.StatusOK {
			if b, ok := bannerOf(a.body); ok {
				w.learn(b)
			}
		}
		d, refused := unsignedBy(a)
		if !refused {
			continue
		}
		if d.Cause == Signature && i > 0 {
			// The same key was taken for a request without this.
			d = Diagnosis{Cause: p.changed, Detail: "requests without that are accepted"}
		}
		if d.Cause == Signature {
			d = w.askSTS(ctx, d)
		}
		return failed(d, p.what+" "+a.words())
	}
	return okay("accepted, for " + w.service + " in " + w.region + "; with escapes in the path and with a body too")
}

// askSTS has another service judge the key, when the domain does not say what is wrong.
func (w *walk) askSTS(ctx context.Context, d Diagnosis) Diagnosis {
	arn, failed := w.aws.callerIdentity(ctx)
	switch {
	case failed == nil:
		// A stand-in takes any signature, so this is no proof.
		return Diagnosis{
			Cause: Signature, Candidates: []Cause{HeaderChanged, SecretWrong}, Detail: "STS takes the key for " + short(arn),
		}
	case failed.Code == "SignatureDoesNotMatch":
		return Diagnosis{Cause: SecretWrong, Detail: "STS refuses it too"}
	case failed.Code == "InvalidClientTokenId":
		return Diagnosis{Cause: KeyUnknown, Detail: "STS does not know the key"}
	case failed.Code == "ExpiredToken":
		return Diagnosis{Cause: CredentialsExpired, Detail: "STS says so"}
	}
	return d
}

func (w *walk) checkIdentity(ctx context.Context) Check {
	if w.cfg.NoSign {
		return okay("anonymous")
	}
	arn, failed := w.aws.callerIdentity(ctx)
	if failed != nil {
		return mayNot(failed.Call, failed.Error(), "nothing has to allow this call; see to it that STS is reached, "+
			"or that nothing denies it")
	}
	w.caller = arn
	if p, err := iam.ParsePrincipal(arn); err == nil && w.domain.Account == "" && w.domain.Name != "" {
		// The owner, as far as nothing else is known: a domain's endpoint does not tell its account.
		w.domain.Account = p.Account()
		w.guessed = true
	}
	return okay(short(arn))
}
