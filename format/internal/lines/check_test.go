package lines

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// What a Host check takes is an address to net/netip, and thereby to an index, and the other way round.
func TestAHostIsWhatNetipTakesForAnAddress(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	values := []string{
		"203.0.113.9", "::", "::1", "1::", "2001:db8::17", "2001:db8:1:2:3:4:5:6", "::ffff:203.0.113.9",
		"1:2:3:4:5:6:203.0.113.9", "1:2:3:4:5:6:7::",
		"", ":", ":::", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4:80", "1::2::3", ":1", "1:", "12345::",
		"1:2:3:4:5:6:7:8:9", "g::1",
	}
	valid := 0
	for range 20_000 {
		v := []byte(values[rnd.IntN(9)])
		for range rnd.IntN(3) {
			i, c := rnd.IntN(len(v)+1), "0123456789abf:.:"[rnd.IntN(16)]
			if rnd.IntN(2) == 0 && i < len(v) {
				v = append(v[:i], v[i+1:]...)
			} else {
				v = append(v[:i], append([]byte{c}, v[i:]...)...)
			}
		}
		values = append(values, string(v))
	}
	for _, v := range values {
		_, err := netip.ParseAddr(v)
		if got := len(v) > 0 && Host().Is([]byte(v)); got != (err == nil) {
			t.Errorf("%q is an address: %v, want %v", v, got, err == nil)
		}
		if err == nil {
			valid++
		}
	}
	if valid < len(values)/10 {
		t.Errorf("%d addresses in %d values", valid, len(values))
	}
}
