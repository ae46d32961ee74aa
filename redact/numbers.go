package redact

import (
	"bytes"
	"net/netip"
)

var (
	cardBytes  = classOf("0-9", " +-")
	separators = classOf(" +-")
	labelBytes = classOf("0-9", "a-z", "A-Z", "_.-")
	labelGap   = classOf("{[ \t\"'\\:=#>.")
)

const (
	shortestCard = 13
	longestCard  = 19
)

// scanCards finds cards. In a run of digits and separators as long as a card, every thirteenth byte is one of them.
func scanCards(s *scratch, b []byte) {
	low := 0
	for i := shortestCard - 1; i < len(b); {
		if !cardBytes[b[i]] {
			i += shortestCard
			continue
		}
		start := i
		for start > low && cardBytes[b[start-1]] {
			start--
		}
		end := i + 1
		for end < len(b) && cardBytes[b[end]] {
			end++
		}
		if end-start >= shortestCard {
			cardsIn(s, b, start, end)
		}
		low, i = end, end+shortestCard-1
	}
}

// cardsIn finds cards in a run of digits and separators.
func cardsIn(s *scratch, b []byte, start, end int) {
	for i := start; i < end; i++ {
		if !isDigit(b[i]) {
			continue
		}
		group := i
		for group < end && isDigit(b[group]) {
			group++
		}
		after := i
		if n := group - i; n >= shortestCard && n <= longestCard {
			if isCard(b[i:group]) && bounded(b, i, group) {
				after = group
			}
		} else if n == 4 && group < end {
			after = groupedCard(b, i, end)
		}
		if after > i && !isNumbered(b, i) {
			s.add(card, found{i, after, after})
			group = after
		}
		i = group - 1
	}
}

// bounded reports whether digits stand alone: no part of a word or of a number with a point.
func bounded(b []byte, start, end int) bool {
	if !begins(b, start) && !endsCardWord(b[:start]) || !ends(b, end) {
		return false
	}
	if start > 1 && b[start-1] == '.' && isDigit(b[start-2]) {
		return false
	}
	return end+1 >= len(b) || b[end] != '.' || !isDigit(b[end+1])
}

// endsCardWord reports whether a text ends in a word for a card, such as PAN.
func endsCardWord(b []byte) bool {
	for _, w := range []string{"card", "pan", "cc"} {
		if at := len(b) - len(w); hasFold(b, at, w) && begins(b, at) {
			return true
		}
	}
	return false
}

// groupings are the groups in which cards are written, behind the first four digits.
var groupings = [][]int{{4, 4, 4, 3}, {4, 4, 4}, {6, 5}, {6, 4}}

// groupedCard returns where the card in groups at b[i] ends, i when there is none.
func groupedCard(b []byte, i, end int) int {
	sep := b[i+4]
	var digits [longestCard]byte
	if !begins(b, i) || sep == '-' && inHexGroups(b, i-1, -1) {
		return i
	}
next:
	for _, groups := range groupings {
		n := copy(digits[:], b[i:i+4])
		at := i + 4
		for _, size := range groups {
			if at+1+size > end || b[at] != sep {
				continue next
			}
			for _, c := range b[at+1 : at+1+size] {
				if !isDigit(c) {
					continue next
				}
				digits[n] = c
				n++
			}
			at += 1 + size
		}
		if !ends(b, at) || sep == '-' && inHexGroups(b, at, 1) || !isCard(digits[:n]) {
			continue
		}
		return at
	}
	return i
}

// inHexGroups reports whether the dash at b[at] joins what stands beside it to another group of hexadecimal digits, as
// in a UUID.
func inHexGroups(b []byte, at, step int) bool {
	if at < 0 || at >= len(b) || b[at] != '-' {
		return false
	}
	n := 0
	for i := at + step; i >= 0 && i < len(b) && isWord(b[i]); i += step {
		if hex(b[i]) < 0 {
			return false
		}
		n++
	}
	return n > 0
}

// isCard reports whether digits are a card's: its beginning, its length, its check digit.
func isCard(digits []byte) bool {
	n := len(digits)
	if n < shortestCard || n > longestCard {
		return false
	}
	head := 0
	for _, c := range digits[:4] {
		head = head*10 + int(c-'0')
	}
	ok := false
	switch two := head / 100; {
	case two >= 40 && two <= 49: // Visa
		ok = n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, head >= 2221 && head <= 2720: // Mastercard
		ok = n == 16
	case two == 34, two == 37: // American Express
		ok = n == 15
	case head == 6011, two == 64 && head >= 6440, two == 65, two == 62, head >= 3528 && head <= 3589: // Discover,
		// UnionPay, JCB
		ok = n >= 16
	case head >= 3000 && head <= 3059, two == 36, two == 38, two == 39: // Diners Club
		ok = n == 14 || n == 16
	case head == 5018, head == 5020, head == 5038, head == 5893, head == 6304, head == 6759, head >= 6761 && head <= 6763:
		ok = n >= 16 // Maestro
	}
	if !ok {
		return false
	}
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if (n-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// numbered are words for things that have numbers of their own.
var numbered = [][]byte{
	[]byte("order"), []byte("invoice"), []byte("tracking"), []byte("shipment"), []byte("parcel"), []byte("ticket"),
	[]byte("serial"), []byte("trace"), []byte("span"), []byte("request"), []byte("correlation"), []byte("sequence"),
	[]byte("offset"), []byte("nonce"), []byte("build"), []byte("version"), []byte("revision"), []byte("booking"),
	[]byte("imei"), []byte("isbn"), []byte("gtin"), []byte("timestamp"),
}

// isNumbered reports whether the label directly before b[i] says that digits number something else than a card: order,
// order_id, Invoice no.
func isNumbered(b []byte, i int) bool {
	for range 2 {
		gap := labelGap.back(b, i, 8)
		if gap == i {
			return false
		}
		start := labelBytes.back(b, gap, 32)
		word := b[start:gap]
		var small [32]byte
		lower := small[:len(word)]
		for j, c := range word {
			if c-'A' < 26 {
				c |= 0x20
			}
			lower[j] = c
		}
		if bytes.Contains(lower, []byte("card")) || bytes.Contains(lower, []byte("pay")) {
			return false
		}
		for _, w := range numbered {
			if bytes.Contains(lower, w) {
				return true
			}
		}
		switch string(lower) {
		case "no", "nr", "num", "number", "id":
			i = start
		default:
			return false
		}
	}
	return false
}

// ibanLengths are the lengths of account numbers by their countries, from the registry of SWIFT.
const ibanLengths = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24" +
	"FI18FK18FO18" +
	"FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22" +
	"MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23" +
	"TN24TR26UA29VA22VG24XK20YE30"

// ibanLength returns the length of the account numbers of a country, 0 for none.
func ibanLength(a, b byte) int {
	for i := 0; i < len(ibanLengths); i += 4 {
		if ibanLengths[i] == a && ibanLengths[i+1] == b {
			return int(ibanLengths[i+2]-'0')*10 + int(ibanLengths[i+3]-'0')
		}
	}
	return 0
}

func ibanAt(b []byte, start int) found {
	if !begins(b, start) || start+4 > len(b) || !isDigit(b[start+3]) {
		return found{}
	}
	n := ibanLength(b[start]&^0x20, b[start+1]&^0x20)
	if n == 0 {
		return found{}
	}
	var chars [40]byte
	at := start
	for i := range n {
		if i > 0 && i%4 == 0 && at < len(b) && separators[b[at]] {
			at++
		}
		if at >= len(b) || !isWord(b[at]) {
			return found{}
		}
		chars[i] = b[at]
		at++
	}
	if !ends(b, at) {
		return found{}
	}
	rest := 0
	for i := range n {
		c := chars[(i+4)%n]
		if isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c&^0x20-'A') + 10) % 97
		}
	}
	if rest != 1 {
		return found{}
	}
	return found{start, at, at}
}

// phoneAt reads a number in its international form from its + on.
func phoneAt(b []byte, start int) found {
	if !begins(b, start) || b[start+1] == '0' {
		return found{}
	}
	digits, end := 0, start+1
	for i := start + 1; i < len(b) && i < start+28; i++ {
		c := b[i]
		if isDigit(c) {
			digits++
			end = i + 1
			continue
		}
		isSep := c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/'
		if !isSep || i > start+1 && (b[i-1] == c || c == '-' && b[i-1] == '.') {
			break
		}
	}
	if digits < 8 || digits > 15 || !ends(b, end) {
		return found{}
	}
	return found{start, end, end}
}

// americanAt reads a number of North America whose last dash is at b[dash].
func americanAt(b []byte, dash int) found {
	end := dash + 5
	if end > len(b) || !allDigits(b[dash+1:end]) || !ends(b, end) || b[dash-3] < '2' {
		return found{}
	}
	start := dash - 7
	switch {
	case start >= 0 && b[dash-4] == '-' && allDigits(b[start:start+3]):
	case start >= 1 && b[dash-4] == ')' && allDigits(b[start:start+3]) && b[start-1] == '(':
		start--
	case start >= 2 && b[dash-4] == ' ' && b[dash-5] == ')' && allDigits(b[start-1:start+2]) && b[start-2] == '(':
		start -= 2
	default:
		return found{}
	}
	area := start
	if b[area] == '(' {
		area++
	}
	if b[area] < '2' || !begins(b, start) || start > 0 && b[start-1] == '-' || end < len(b) && b[end] == '-' {
		return found{}
	}
	return found{start, end, end}
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// ip4At reads the IPv4 address whose first dot is at b[dot].
func ip4At(b []byte, dot int) found {
	start := dot
	for start > 0 && dot-start < 4 && isDigit(b[start-1]) {
		start--
	}
	if dot-start > 3 || !begins(b, start) || start > 0 && (b[start-1] == '.' || b[start-1] == '_') {
		return found{}
	}
	at := start
	for octet := range 4 {
		if octet > 0 {
			if at >= len(b) || b[at] != '.' {
				return found{}
			}
			at++
		}
		n, first := 0, at
		for at < len(b) && isDigit(b[at]) && at-first < 4 {
			n = n*10 + int(b[at]-'0')
			at++
		}
		if at == first || n > 255 || at-first > 3 {
			return found{}
		}
	}
	if !ends(b, at) || at+1 < len(b) && b[at] == '.' && isDigit(b[at+1]) || isProduct(b, start) {
		return found{next: at}
	}
	return found{start, at, at}
}

var productBytes = classOf("0-9", "a-z", "A-Z", "_-")

// isProduct reports whether a version stands at b[i]: the name of a product and a slash are before it.
func isProduct(b []byte, i int) bool {
	if i < 2 || b[i-1] != '/' {
		return false
	}
	start := productBytes.back(b, i-1, 32)
	if start == i-1 || !isLetter(b[start]) {
		return false
	}
	return start == 0 || bytes.IndexByte([]byte(" \"'(;,=:+"), b[start-1]) >= 0
}

// isLabel reports whether the word that ends before b[end] is no part of an address, as in ip:2001:db8::1.
func isLabel(b []byte, end int) bool {
	for i := end - 1; i >= 0 && isWord(b[i]); i-- {
		if hex(b[i]) < 0 {
			return true
		}
	}
	return false
}

var ip6Bytes = classOf("0-9", "a-f", "A-F", ":.")

const longestIP6 = 45

// ip6At reads the IPv6 address whose first colon is at b[colon].
func ip6At(b []byte, colon int) found {
	start := colon
	for start > 0 && colon-start < 5 && hex(b[start-1]) >= 0 {
		start--
	}
	end := ip6Bytes.run(b, start, longestIP6+1)
	next := found{next: end}
	if colon-start > 4 || !begins(b, start) || start > 0 && b[start-1] == '.' {
		return found{}
	}
	if start > 0 && b[start-1] == ':' && !isLabel(b, start-1) {
		return found{} // the middle of an address, or of what is none
	}
	for end > start && (b[end-1] == '.' || b[end-1] == ':' && b[end-2] != ':') {
		end-- // the sentence's, or that before a port
	}
	text := b[start:end]
	colons := bytes.Count(text, []byte(":"))
	double := bytes.Contains(text, []byte("::"))
	if len(text) > longestIP6 || !ends(b, end) || len(text) < 3 || !double && colons != 7 && colons != 6 {
		return next
	}
	if !bytes.ContainsAny(text, "0123456789") && len(text) < 9 {
		return next // dead::beef, but no Class::a
	}
	addr, err := netip.ParseAddr(string(text))
	if err != nil || !addr.Is6() {
		return next
	}
	return found{start, end, end}
}
