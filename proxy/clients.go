package proxy

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/internal/reload"
)

// Clients are the people and programs that a proxy lets in, in a file that others cannot read:
//
//	{"clients": [
//	  {"arn": "arn:aws:iam::123456789012:user/grace", "token_sha256": "…"},
//	  {"arn": "arn:aws:iam::123456789012:role/reader", "subject": "CN=reader,O=Example"}
//	]}
//
// A token comes as Bearer, or as the password of Basic with any user name. A role stands for a session of it.
type Clients struct{ file *reload.File[*clientBook] }

// clientBook finds who a client is.
type clientBook struct {
	byToken   map[[sha256.Size]byte]iam.Principal
	bySubject map[string]iam.Principal
}

// clientEntry is a client in the file.
type clientEntry struct {
	ARN     string `json:"arn"`
	Token   string `json:"token_sha256,omitzero"`
	Subject string `json:"subject,omitzero"`
}

// OpenClients reads the file, and follows its changes. While it cannot be read, or can be read by others, nobody is let
// in.
func OpenClients(path string, logger *slog.Logger) (*Clients, error) {
	f, err := reload.Open(reload.Config[*clientBook]{
		What: "clients", Path: path, Private: true, Parse: parseClients, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	return &Clients{f}, nil
}

func parseClients(data []byte) (*clientBook, error) {
	var file struct {
		Clients []clientEntry `json:"clients"`
	}
	if err := json.Unmarshal(data, &file, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("it is not a list of clients: %w", listProblem(err))
	}
	book := &clientBook{map[[sha256.Size]byte]iam.Principal{}, map[string]iam.Principal{}}
	for i, c := range file.Clients {
		if err := book.add(c); err != nil {
			return nil, fmt.Errorf("client %d: %w", i+1, err)
		}
	}
	if len(file.Clients) == 0 {
		return nil, errors.New("there are no clients in it")
	}
	return book, nil
}

// listProblem says what is wrong with a list of clients, without the names of Go types.
func listProblem(err error) error {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(e.Err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("the name %q is there twice", e.JSONPointer.LastToken())
		}
		return fmt.Errorf("not JSON at byte %d: %w", e.ByteOffset+1, e.Err)
	}
	e, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case !ok:
		return err
	case errors.Is(e.Err, json.ErrUnknownName) && e.JSONPointer.LastToken() == "token":
		return errors.New(`a client has no "token" here: write its SHA-256 as token_sha256 (printf %s TOKEN | sha256sum)`)
	case errors.Is(e.Err, json.ErrUnknownName):
		return fmt.Errorf("unknown name %q at %s", e.JSONPointer.LastToken(), e.JSONPointer)
	}
	return fmt.Errorf("another kind of value is wanted at %s", cmp.Or(string(e.JSONPointer), "/"))
}

func (b *clientBook) add(c clientEntry) error {
	who, err := clientPrincipal(c.ARN)
	switch {
	case err != nil:
		return err
	case (c.Token == "") == (c.Subject == ""):
		return errors.New("it has either token_sha256 or subject")
	case c.Subject != "":
		if _, twice := b.bySubject[c.Subject]; twice {
			return fmt.Errorf("the subject %q is there twice", c.Subject)
		}
		b.bySubject[c.Subject] = who
		return nil
	}
	sum, err := hex.DecodeString(c.Token)
	switch {
	case err != nil || len(sum) != sha256.Size:
		return errors.New("token_sha256 is not the SHA-256 of a token in hexadecimal digits")
	case [sha256.Size]byte(sum) == sha256.Sum256(nil):
		return errors.New("token_sha256 is that of an empty token")
	}
	if _, twice := b.byToken[[sha256.Size]byte(sum)]; twice {
		return errors.New("its token is that of another client")
	}
	b.byToken[[sha256.Size]byte(sum)] = who
	return nil
}

// clientPrincipal reads the ARN of a client.
func clientPrincipal(arn string) (iam.Principal, error) {
	if head, name, ok := strings.Cut(arn, ":role/"); ok && strings.Contains(head, ":iam:") {
		session := strings.Replace(head, ":iam:", ":sts:", 1) + ":assumed-role/" + name[strings.LastIndexByte(name, '/')+1:] +
			"/penstock-proxy"
		return iam.NewRoleSession(session, arn, "")
	}
	who, err := iam.ParsePrincipal(arn)
	switch {
	case err != nil:
	case who.Kind() == iam.KindAnonymous:
		err = errors.New("parse principal: a client has an ARN")
	case who.Kind() == iam.KindRoot:
		err = fmt.Errorf("parse principal: %s may do everything in its account, whatever a policy says; "+
			"a client is a user or a role", who)
	}
	return who, err
}

// identify says who sends a request. Everybody is anonymous to a proxy without a list of clients.
func (p *Proxy) identify(r *http.Request) (who iam.Principal, subject string, refused *refusal) {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		subject = subjectOf(r.TLS.VerifiedChains[0][0])
	}
	if p.cfg.Clients == nil {
		return iam.Anonymous(), subject, nil
	}
	book, err := p.cfg.Clients.file.Get()
	if err != nil {
		return who, subject, &refusal{http.StatusServiceUnavailable, causeClients, "the list of clients cannot be read"}
	}
	stranger := func(text string) (iam.Principal, string, *refusal) {
		return iam.Anonymous(), subject, &refusal{http.StatusUnauthorized, causeStranger, text}
	}
	given := r.Header.Values("Authorization")
	if len(given) > 1 {
		return stranger("there are several Authorization headers")
	}
	if len(given) == 1 {
		token, ok := clientToken(given[0])
		if !ok {
			return stranger("the Authorization header holds no token: send it as Bearer, or as the password of Basic")
		}
		if who, ok = book.byToken[sha256.Sum256([]byte(token))]; !ok {
			return stranger("the token is not that of a client")
		}
		return who, subject, nil
	}
	if subject == "" {
		return stranger("this proxy wants to know who asks: send a token as Bearer, or as the password of Basic")
	}
	who, ok := book.bySubject[subject]
	if !ok {
		return stranger("the certificate is not that of a client")
	}
	return who, subject, nil
}

// subjectOf is the subject of a certificate as RFC 2253 writes it, with its parts in the order that it has there:
// pkix.Name puts them into an order of its own, in which two subjects can look the same.
func subjectOf(c *x509.Certificate) string {
	var parts pkix.RDNSequence
	if rest, err := asn1.Unmarshal(c.RawSubject, &parts); err != nil || len(rest) > 0 {
		return "" // crypto/x509 has read it already
	}
	return parts.String()
}

// clientToken is the token in an Authorization header.
func clientToken(header string) (token string, ok bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		return rest, rest != ""
	case "basic":
		plain, err := base64.StdEncoding.Strict().DecodeString(rest)
		_, token, found := strings.Cut(string(plain), ":")
		return token, err == nil && found && token != ""
	}
	return "", false
}
