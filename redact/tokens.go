package redact

import "bytes"

var (
	localBytes  = classOf("0-9", "a-z", "A-Z", "._+'-", "\x80-\xff") // as = stands before an address, it is in none
	domainBytes = classOf("0-9", "a-z", "A-Z", ".-", "\x80-\xff")
)

// noDomains are endings of files, which stand behind @2x.
var noDomains = [][]byte{
	[]byte("png"), []byte("jpg"), []byte("jpeg"), []byte("gif"), []byte("webp"), []byte("svg"), []byte("ico"),
	[]byte("css"), []byte("js"), []byte("html"),
}

// mailAt reads the address whose @ is at b[at].
func mailAt(b []byte, at int) found {
	start := localBytes.back(b, at, 64)
	for start < at && (b[start] == '.' || b[start] == '\'') {
		start++
	}
	end := domainBytes.run(b, at+1, 253)
	for end > at+1 && (b[end-1] == '.' || b[end-1] == '-') {
		end--
	}
	domain := b[at+1 : end]
	dot := bytes.LastIndexByte(domain, '.')
	if start == at || isPassword(b, start) || dot < 1 || len(domain)-dot < 3 || bytes.Contains(domain, []byte("..")) {
		return found{}
	}
	top := domain[dot+1:]
	for _, c := range top {
		if !isLetter(c) && c < 0x80 && !hasFold(top, 0, "xn--") {
			return found{}
		}
	}
	for _, no := range noDomains {
		if bytes.EqualFold(top, no) {
			return found{}
		}
	}
	return found{start, end, end}
}

// isPassword reports whether what goes on at b[i] is the end of the password in a URL.
func isPassword(b []byte, i int) bool {
	named := false
	for from := max(0, i-longestUser-longestPass); i > from && !urlEnds[b[i-1]]; i-- {
		switch b[i-1] {
		case ':':
			named = true
		case '/':
			return named && i > 2 && (b[i-2] == '/' || b[i-2] == '\\' && b[i-3] == '/') && hasScheme(b, i)
		case '@':
			return false
		}
	}
	return false
}

// hasScheme reports whether the two slashes that end before b[i] have a colon before them.
func hasScheme(b []byte, i int) bool {
	for i--; i >= 0 && (b[i] == '/' || b[i] == '\\'); i-- {
	}
	return i >= 0 && b[i] == ':'
}

const awsKeyLength = 20

var (
	awsKeyBytes = classOf("0-9", "A-Z")
	secretBytes = classOf("0-9", "a-z", "A-Z", "/+")
	gapBytes    = classOf(" \t\r\n\"'\\:=,>|;")
)

// isAWSKey reports whether the id of an access key begins at b[i].
func isAWSKey(b []byte, i int) bool {
	if !has(b, i, "AKIA") && !has(b, i, "ASIA") && !has(b, i, "ABIA") && !has(b, i, "ACCA") {
		return false
	}
	end := awsKeyBytes.run(b, i, awsKeyLength+1)
	return end-i == awsKeyLength && begins(b, i) && ends(b, end)
}

const (
	secretLength = 40
	nearSecret   = 96
)

// awsSecretNear looks for a secret key behind and before the id of an access key that begins at b[i].
func awsSecretNear(b []byte, i int) found {
	if f := secretIn(b, i+awsKeyLength, min(len(b), i+awsKeyLength+nearSecret+secretLength)); f.end > 0 {
		return f
	}
	return secretIn(b, max(0, i-nearSecret-secretLength), i)
}

// secretIn looks for a secret key in a part of b.
func secretIn(b []byte, from, to int) found {
	if from > 0 && from < len(b) && secretBytes[b[from]] && secretBytes[b[from-1]] {
		from = secretBytes.run(b, from, to-from)
	}
	for i := from; i < to; i++ {
		if !secretBytes[b[i]] {
			continue
		}
		end := secretBytes.run(b, i, 4*secretLength+1)
		if end-i > 4*secretLength {
			return found{} // something else, and not to be run over again and again
		}
		// A path is a run, too: the secret may have one before it.
		if n := end - i; n == secretLength && isMixed(b[i:end]) {
			return found{start: i, end: end}
		} else if n == secretLength+1 && b[i] == '/' && isMixed(b[i+1:end]) {
			return found{start: i + 1, end: end}
		}
		i = end
	}
	return found{}
}

// isMixed reports whether a text has small letters, capital ones and digits or signs, as random ones of its length do.
func isMixed(b []byte) bool {
	var small, capital, other bool
	for _, c := range b {
		switch {
		case c-'a' < 26:
			small = true
		case c-'A' < 26:
			capital = true
		default:
			other = true
		}
	}
	return small && capital && other
}

// namedSecretAt looks for a secret key behind the word secret, which may begin at b[i].
func namedSecretAt(b []byte, i int) found {
	if !hasFold(b, i, "secret") {
		return found{}
	}
	name := labelBytes.run(b, i, 32)
	gap := gapBytes.run(b, name, 16)
	if gap == name {
		return found{}
	}
	return secretIn(b, gap, min(len(b), gap+16))
}

var tokenBytes = classOf("0-9", "a-z", "A-Z", "+/=_%-")

// sessionTokenAt reads an AWS session token by its beginning.
func sessionTokenAt(b []byte, i int) found {
	switch {
	case has(b, i, "IQoJ"), has(b, i, "FwoG"), has(b, i, "FQoG"), has(b, i, "FQoD"), has(b, i, "AQoD"), has(b, i, "AQoE"):
	default:
		return found{}
	}
	if !begins(b, i) {
		return found{}
	}
	end := tokenBytes.run(b, i, len(b))
	if end-i < 100 {
		return found{next: end}
	}
	return found{i, end, end}
}

const shortestToken = 16

// namedTokenAt reads a session token behind its name, whose last word may begin at b[i].
func namedTokenAt(b []byte, i int) found {
	if !hasFold(b, i, "token") {
		return found{}
	}
	name := i
	if name > 0 && (b[name-1] == '-' || b[name-1] == '_') {
		name--
	}
	if !hasFold(b, name-len("session"), "session") && !hasFold(b, name-len("security"), "security") {
		return found{}
	}
	start := gapBytes.run(b, i+len("token"), 16)
	end := tokenBytes.run(b, start, len(b))
	if start == i+len("token") || end-start < shortestToken || !isRandom(b[start:end]) {
		return found{next: end}
	}
	return found{start, end, end}
}

// isRandom reports whether a token is no word: it has a digit, or letters of both kinds in many places.
func isRandom(b []byte) bool {
	capitals, smalls := 0, 0
	for _, c := range b {
		switch {
		case isDigit(c):
			return true
		case c-'A' < 26:
			capitals++
		case c-'a' < 26:
			smalls++
		}
	}
	return capitals > 2 && smalls > 2
}

// shortestHeader is the least of {"alg":"a"} in base64.
const shortestHeader = 15

var base64url = classOf("0-9", "a-z", "A-Z", "_-")

// jwtAt reads a token that may begin with eyJ at b[i].
func jwtAt(b []byte, i int) found {
	end := base64url.run(b, i, len(b))
	parts, header, least := 1, end-i, end-i
	for end < len(b) && b[end] == '.' && parts < 5 {
		part := end + 1
		end = base64url.run(b, part, len(b))
		if parts == 1 {
			least = min(least, end-part)
		}
		parts++
	}
	// The signature may be empty, the header and what is signed have an object each: {"alg":"none"}, {}.
	if parts < 3 || least < 2 || header < shortestHeader {
		return found{next: end}
	}
	for end > 0 && b[end-1] == '.' {
		end--
	}
	return found{i, end, end}
}

var bearerBytes = classOf("0-9", "a-z", "A-Z", "._~+/%-")

// bearerAt reads what follows the word Bearer, which may begin at b[i].
func bearerAt(b []byte, i int) found {
	if !hasFold(b, i, "bearer") || !begins(b, i) {
		return found{}
	}
	word := i + len("bearer")
	start := word
	for start < len(b) && start < word+12 && bytes.IndexByte([]byte(" \t\"'\\:=+"), b[start]) >= 0 {
		start++
	}
	if start == word {
		return found{next: start}
	}
	end := bearerBytes.run(b, start, len(b))
	for end > start && b[end-1] == '.' {
		end--
	}
	if end-start < 8 || !isRandom(b[start:end]) {
		return found{next: end}
	}
	for end < len(b) && b[end] == '=' {
		end++
	}
	return found{start, end, end}
}

var (
	keyBytes   = classOf("0-9", "a-z", "A-Z", "+/=\\:,.()@_- \t\r\n")
	keyLines   = classOf("0-9", "a-z", "A-Z", "+/=\\:,.()@_- \t\r\n\"[]")
	base64Byte = classOf("0-9", "a-z", "A-Z", "+/=\\ \t\r\n")
)

const (
	longestKey = 16 << 10
	beginKey   = "-----BEGIN"
	endKey     = "-----END"
)

// privateKeyAt reads the block around the words PRIVATE KEY, which may begin at b[i].
func privateKeyAt(b []byte, i int) found {
	if !has(b, i, "PRIVATE KEY") && !has(b, i, "PRIVATE+KEY") {
		return found{}
	}
	from := max(0, i-32)
	if at := bytes.LastIndex(b[from:i], []byte(endKey)); at >= 0 {
		// The end of a block that began in another record.
		at += from
		end := dashes.run(b, i+len("PRIVATE KEY"), 16)
		return found{base64Byte.back(b, at, longestKey), end, end}
	}
	at := bytes.LastIndex(b[from:i], []byte(beginKey))
	if at < 0 {
		return found{}
	}
	at += from
	body := i + len("PRIVATE KEY")
	whole := keyLines.run(b, body, longestKey)
	if end := bytes.Index(b[body:whole], []byte(endKey)); end >= 0 {
		end = body + end + len(endKey)
		end = keyWords.run(b, end, 32)
		end = dashes.run(b, end, 5)
		return found{at, end, end}
	}
	end := keyBytes.run(b, body, len(b))
	return found{at, end, end}
}

var (
	dashes   = classOf("-")
	keyWords = classOf("A-Z", " +")
)

const (
	longestUser = 256
	longestPass = 1024
)

var (
	urlEnds = classOf(" \t\r\n\"<>`")
	slashes = classOf("/?#")
)

// urlPasswordAt reads the password of the URL whose second slash is at b[slash].
func urlPasswordAt(b []byte, slash int) found {
	at := slash - 1
	if b[at] == '\\' {
		at-- // \/\/
	}
	if at < 1 || b[at] != '/' {
		return found{}
	}
	if at--; b[at] == '\\' && at > 0 {
		at--
	}
	if b[at] != ':' {
		return found{}
	}
	user := slash + 1
	colon := user
	for ; colon < len(b) && colon < user+longestUser && b[colon] != ':'; colon++ {
		if c := b[colon]; urlEnds[c] || slashes[c] || c == '@' {
			return found{}
		}
	}
	if colon == len(b) || b[colon] != ':' {
		return found{}
	}
	pass := colon + 1
	end, slashed := 0, false
	for i := pass; i < len(b) && i < pass+longestPass && !urlEnds[b[i]]; i++ {
		if slashes[b[i]] {
			if end > 0 || allDigits(b[pass:i]) { // a port
				break
			}
			slashed = true
		}
		if b[i] == '@' {
			if end = i; slashed {
				break
			}
		}
	}
	if end <= pass {
		return found{}
	}
	return found{pass, end, end}
}

// githubTokenAt reads a token whose underscore is at b[i].
func githubTokenAt(b []byte, i int) found {
	start, least := i-3, 36
	switch {
	case b[i-3] == 'g' && b[i-2] == 'h' && bytes.IndexByte([]byte("pousr"), b[i-1]) >= 0:
	case has(b, i-10, "github_pat"):
		start, least = i-10, 40
	default:
		return found{}
	}
	end := base64url.run(b, i+1, len(b))
	if end-i-1 < least || !begins(b, start) {
		return found{}
	}
	// A token of an installation may have parts as a JSON Web Token has.
	for end+1 < len(b) && b[end] == '.' && base64url.run(b, end+1, len(b)) > end+16 {
		end = base64url.run(b, end+1, len(b))
	}
	return found{start, end, end}
}

var (
	slackBytes = classOf("0-9", "a-z", "A-Z", "-")
	hookBytes  = classOf("0-9", "a-z", "A-Z", "/")
)

const slackHook = "hooks.slack.com/"

// slackTokenAt reads a token or the secret part of a webhook that may begin at b[i].
func slackTokenAt(b []byte, i int) found {
	if b[i] == 'h' {
		if !has(b, i, slackHook) {
			return found{}
		}
		start := i + len(slackHook)
		end := hookBytes.run(b, start, 256)
		if at := bytes.IndexByte(b[start:end], '/'); at >= 0 && end-start > 24 {
			return found{start + at + 1, end, end}
		}
		return found{}
	}
	if i+5 > len(b) || !begins(b, i) {
		return found{}
	}
	start := i
	switch {
	case has(b, i, "xox") && isLetter(b[i+3]) && (b[i+4] == '-' || b[i+4] == '.'):
		if b[i+4] == '.' { // xoxe.xoxp-1-…
			if !has(b, i+5, "xox") {
				return found{}
			}
			i += 5
		}
	case has(b, i, "xapp-"):
	default:
		return found{}
	}
	end := slackBytes.run(b, i, len(b))
	if end-i < 15 || !isRandom(b[i+5:end]) {
		return found{next: end}
	}
	return found{start, end, end}
}
