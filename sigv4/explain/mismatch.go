package explain

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/sigv4"
)

// mismatch is about a signature that is not the one that the domain computed.
func (e *explainer) mismatch([]string) Finding {
	domain, long := parseCanonical(e.x.Expected)
	if !long {
		return e.short()
	}
	e.unmask(&domain)
	intact := strings.HasSuffix(e.x.ToSign, "\n"+sigv4.HashPayload([]byte(domain.String())))
	if !intact {
		e.notes = append(e.notes, "the canonical request was altered when it was copied: it does not have the hash that "+
			"the domain gives for it")
	}
	if f, ok := e.byOwnLog(&domain); ok {
		return f
	}
	if !e.visible {
		return e.dumpAlone(&domain)
	}
	if f, ok := e.signedAnew(&domain); ok {
		return f
	}
	shown := e.x.shown(&e.auth)
	line, differ, redacted := firstDifference(&shown, &domain)
	if differ && !e.hasSecret {
		return e.inTransit(line, ByDifference)
	}
	if f, ok := e.misshapen(); ok && !differ {
		return f
	}
	if e.hasSecret {
		if f, ok := e.bySecret(&shown, &domain, line, differ); ok {
			return f
		}
		if differ {
			return e.inTransit(line, ByDifference)
		}
		if e.x.hasPlaceholder() {
			return e.inClient(Line{Name: linePayload, Client: "(the hash of the body that was meant)", Domain: domain.payload},
				ByClient, "it sends "+strconv.Quote(string(e.x.Body))+", the text that programs write for an object or for nothing")
		}
		return e.open("the request as it is shown is what arrived, and the secret key at hand does not give its signature",
			[]string{CauseSecretWrong, doubt(&shown, e.x)})
	}
	if f, ok := e.declared(&domain); ok {
		return f
	}
	if e.x.ByCurl {
		if f, ok := e.byCurl(); ok {
			return f
		}
	}
	if d := doubt(&shown, e.x); d != "" || redacted || !intact || e.auth.presigned {
		return e.open("the request as it is shown is what arrived", []string{d, CauseSecretWrong})
	}
	// A secret that is wrong and a program that changes a header after it signed look the same from outside.
	return e.open("the request as it is shown is what arrived, line by line, and nothing in it can be written in two ways",
		[]string{CauseSecretWrong, CauseHeaderChanged})
}

// misshapen looks at the form of the signature: one that is no hash in small letters belongs to no request.
func (e *explainer) misshapen() (f Finding, ok bool) {
	signature := e.auth.signature
	if !e.visible || signature == "" || isHash(signature) || isRedacted(signature) {
		return f, false
	}
	f = Finding{
		Cause: CauseSignature, Evidence: ByDifference,
		Seen:  fmt.Sprintf("the signature has %d characters; one has 64 hexadecimal digits", len(signature)),
		Means: "it was cut, or is written in base64", Fix: "write the last HMAC as 64 hexadecimal digits in small letters",
	}
	if isHash(strings.ToLower(signature)) {
		f.Seen, f.Means = "the signature is written in capitals", "a domain compares signatures letter by letter"
	}
	return f, true
}

// unmask puts what the request shows where somebody has masked what arrived, as penstock proxy does with tokens. The
// hash in the string to sign then says whether it is the same.
func (e *explainer) unmask(domain *canonical) {
	for i, h := range domain.headers {
		shown := strings.Join(e.x.Header.Values(h.name), ",")
		if isRedacted(h.value) && shown != "" && !isRedacted(shown) {
			domain.headers[i].value = shown
		}
	}
}

// open is a finding that does not decide.
func (e *explainer) open(seen string, candidates []string) Finding {
	f := Finding{
		Cause: CauseSignature, Evidence: None, Seen: seen,
		Means: "the signature is not that of the request that arrived; what is known does not say why",
		Fix: "run this command where the client's credentials are (AWS_ACCESS_KEY_ID and its secret, or --profile): the " +
			"signature then tells what was signed",
	}
	for _, c := range candidates {
		if c != "" {
			f.Candidates = append(f.Candidates, c)
		}
	}
	return f
}

// byOwnLog compares what the client says it signed with what the domain expected.
func (e *explainer) byOwnLog(domain *canonical) (f Finding, ok bool) {
	own, ok := parseCanonical(e.x.Signed)
	if !ok {
		return f, false
	}
	line, differ, redacted := firstDifference(&own, domain)
	switch {
	case differ && e.visible:
		shown := e.x.shown(&e.auth)
		if sent, differs, _ := firstDifference(&shown, domain); differs && sent.Name == line.Name {
			return e.inTransit(line, ByDifference), true
		}
		return e.inClient(line, ByDifference, ""), true
	case differ:
		return e.inTransit(line, ByDifference), true
	case redacted:
		return f, false
	}
	return Finding{
		Cause: CauseSecretWrong, Evidence: ByDifference,
		Seen:  "the canonical request that the client logged is the one that the domain expected",
		Means: "the request is signed by the rules, and with another secret key than the one of this access key",
		Fix:   "compare the secret with the one that was handed out; a line end or a space at its end counts",
	}, true
}

// signedAnew looks for a signature that was made by something else than the client.
func (e *explainer) signedAnew(domain *canonical) (f Finding, ok bool) {
	lines := strings.Split(e.x.ToSign, "\n")
	names := strings.Join(e.auth.signedHeaders, ";")
	scope := ""
	if len(lines) == 4 {
		scope = lines[2]
	}
	if (scope == "" || e.auth.keyID == "" || scope == e.auth.scope.String()) && strings.EqualFold(names, domain.signed) {
		return f, false
	}
	line := Line{Name: lineSigned, Client: bounded(names), Domain: bounded(domain.signed)}
	if strings.EqualFold(names, domain.signed) {
		line = Line{Name: "scope", Client: bounded(e.auth.scope.String()), Domain: bounded(scope)}
	}
	return Finding{
		Cause: CauseProxy, Evidence: ByDifference, Line: &line,
		Seen:  "the signature that the domain checked is not the one that the request shows",
		Means: "something between the client and the domain changes the Authorization header, or signs again",
		Fix:   "sign in one place only: in the client, or in the proxy",
	}, true
}

// dumpAlone looks at what the domain expected when the request is not shown.
func (e *explainer) dumpAlone(domain *canonical) Finding {
	if f, ok := e.declared(domain); ok {
		return f
	}
	for i, h := range domain.headers {
		name := strings.ToLower(h.name)
		// A signer signs what is there; one that is signed and empty was taken off afterwards.
		if h.value == "" && name != "content-length" {
			return e.inTransit(Line{Number: 4 + i, Name: lineHeader + name, Client: "(a value)"}, ByDifference)
		}
		if name == "x-forwarded-for" && strings.Contains(h.value, ",") {
			return e.open("x-forwarded-for is signed and has several addresses: each proxy adds one",
				[]string{CauseHeaderChanged})
		}
	}
	return e.open("only the domain's side is given: the request line and its headers are missing",
		[]string{doubt(domain, e.x), CauseSecretWrong})
}

// declared compares the hash that the request declares with the one of the body that arrived.
func (e *explainer) declared(domain *canonical) (f Finding, ok bool) {
	declared, found := domain.value("x-amz-content-sha256")
	if !found {
		declared = e.x.Header.Get("X-Amz-Content-Sha256")
	}
	if !isHash(declared) || !isHash(domain.payload) || declared == domain.payload {
		return f, false
	}
	line := Line{
		Number: 4 + len(domain.headers) + 2, Name: linePayload, Client: declared + " (x-amz-content-sha256)",
		Domain: domain.payload,
	}
	return e.inTransit(line, ByDifference), true
}

// short is about a refusal without the canonical request.
func (e *explainer) short() Finding {
	if f, ok := e.provenClient(); ok {
		return f
	}
	if declared := e.x.Header.Get("X-Amz-Content-Sha256"); isHash(declared) && e.x.HasBody {
		if sum := sigv4.HashPayload(e.x.Body); sum != declared {
			return e.inClient(Line{Name: linePayload, Client: declared + " (x-amz-content-sha256)", Domain: sum},
				ByDifference, "")
		}
	}
	if f, ok := e.misshapen(); ok {
		return f
	}
	if e.visible && e.x.ByCurl {
		if f, ok := e.byCurl(); ok {
			return f
		}
	}
	if e.visible && e.hasSecret {
		shown := e.x.shown(&e.auth)
		if shown.payload != "" && e.gives(&shown, e.auth.date) {
			return e.open("the signature is right for the request as it is shown, with the secret key at hand",
				[]string{CauseSecretWrong, CauseProxy, CauseHeaderChanged})
		}
	}
	f := e.open("the domain does not say what it expected", []string{CauseSecretWrong})
	if e.visible {
		shown := e.x.shown(&e.auth)
		if d := doubt(&shown, e.x); d != "" {
			f.Candidates = []string{d, CauseSecretWrong}
		}
	}
	f.Candidates = append(f.Candidates, CauseProxy)
	return f
}

// provenClient looks for a mistake in the client that the signature itself proves, whatever the domain says.
func (e *explainer) provenClient() (f Finding, ok bool) {
	if !e.visible || !e.hasSecret {
		return f, false
	}
	shown := e.x.shown(&e.auth)
	if shown.payload != "" && e.gives(&shown, e.auth.date) {
		return f, false
	}
	return e.byVariant(&shown, &shown, e.auth.date)
}

// bySecret computes the signature again, for the request as it is shown, as it arrived, and as clients get it wrong.
func (e *explainer) bySecret(shown, domain *canonical, line Line, differ bool) (f Finding, ok bool) {
	if shown.payload != "" && differ && e.gives(shown, e.auth.date) {
		return e.inTransit(line, BySignature), true
	}
	if e.gives(domain, e.arrivedDate()) {
		return Finding{
			Cause: CauseSecretWrong, Evidence: BySignature,
			Seen:  "the signature is exactly that of the request that arrived, made with the secret key at hand",
			Means: "the client signs by the rules; the domain has another secret for this access key",
			Fix:   "take the secret key that was handed out with this access key, or make a new pair",
		}, true
	}
	if f, ok = e.byVariant(shown, domain, e.auth.date); ok {
		return f, true
	}
	return e.byVariant(domain, domain, e.arrivedDate())
}

// gives reports whether the secret key gives the signature for a canonical request.
func (e *explainer) gives(c *canonical, date string) bool {
	text := e.auth.scope.StringToSign(date, c.String())
	return strings.EqualFold(e.auth.scope.Derive(e.creds.SecretAccessKey).Sign(text), e.auth.signature)
}

// arrivedDate is the date as the domain has it in its string to sign.
func (e *explainer) arrivedDate() string {
	if lines := strings.Split(e.x.ToSign, "\n"); len(lines) == 4 {
		return lines[1]
	}
	return e.auth.date
}

// inTransit is about a line that is not what it was when it was signed.
func (e *explainer) inTransit(line Line, by Evidence) Finding {
	f := Finding{
		Cause: causeOf(&line, false), Evidence: by, Line: &line, Means: meansOf(line.Name), Fix: fixOf(line.Name),
		Seen: "what was sent and what arrived differ in the line " + line.Name,
	}
	if by == BySignature {
		f.Seen = "the signature is right for what was sent; what arrived differs in the line " + line.Name
	}
	return f
}

// inClient is about a line that the client signs in another way than it sends it.
func (e *explainer) inClient(line Line, by Evidence, how string) Finding {
	f := Finding{
		Cause: causeOf(&line, true), Evidence: by, Line: &line, Means: meansOf(line.Name), Fix: fixOf(line.Name),
		Seen: "the client signs another " + line.Name + " than it sends",
	}
	if how != "" {
		f.Seen += ": " + how
	}
	return f
}

// causeOf is the cause that a line which differs stands for.
func causeOf(line *Line, inClient bool) string {
	if line.body {
		return CauseBodyChanged
	}
	switch line.Name {
	case linePath:
		if inClient || samePath(line.sent, line.expected) {
			return CausePathEncoding
		}
		return CauseProxy
	case lineQuery:
		if inClient || sameQuery(line.sent, line.expected) {
			return CausePathEncoding
		}
		return CauseProxy
	case linePayload:
		return CauseBodyChanged
	case lineSigned:
		if inClient {
			return CauseHeaderChanged
		}
		return CauseProxy
	case lineMethod:
		if inClient {
			return CauseHeaderChanged
		}
		return CauseProxy
	}
	return CauseHeaderChanged // the layout of the canonical request is that of its headers, too
}

// doubt is the cause that a request leaves open when all lines are equal: what clients write in two ways. It is empty
// when there is nothing of the kind.
func doubt(c *canonical, x *Exchange) string {
	path, query, _ := strings.Cut(x.Target, "?")
	if x.Target == "" {
		path, query = c.path, c.query
	}
	switch {
	case x.hasPlaceholder():
		return CauseBodyChanged
	case strings.Contains(c.path, "%") || path != c.path, strings.ContainsAny(query, "%+") || query != c.query:
		return CausePathEncoding
	case c.payload == "":
		return CauseBodyChanged
	}
	for _, h := range c.headers {
		switch strings.ToLower(h.name) {
		case "host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "content-type":
		default:
			return CauseHeaderChanged
		}
	}
	if _, declares := c.value("x-amz-content-sha256"); !declares && c.payload != sigv4.EmptyPayloadHash {
		return CauseBodyChanged
	}
	return ""
}

// Check compares a signature that somebody made with the one that the credentials give by the rules of the service, for
// the request of an exchange whose answer is not needed. It reports true when they are the same. The credentials must
// have the access key of the signature.
func Check(x *Exchange, c sigv4.Credentials) (Finding, bool) {
	e := newExplainer(x, Options{Credentials: c})
	if !e.visible || !e.hasSecret {
		return e.open("the header has no signature of this access key", nil), false
	}
	shown := x.shown(&e.auth)
	if e.gives(&shown, e.auth.date) {
		return Finding{}, true
	}
	if f, ok := e.byVariant(&shown, &shown, e.auth.date); ok {
		return e.finished(f), false
	}
	f := e.open("the signature is not that of this request, nor of one that is written in another usual way",
		[]string{CauseSecretWrong, doubt(&shown, x)})
	f.Fix = "compare the canonical request that the other program logs with the one of step 1"
	return f, false
}
