package rules

import (
	"sync"

	"github.com/mileusna/useragent"
)

// agents reads what browsers and programs call themselves. Most records have one that was there before.
type agents struct {
	mu   sync.RWMutex
	seen map[string][]byte
}

// The bounds of what agents keeps.
const (
	mostAgents   = 4096
	longestAgent = 1024
)

func newAgents() *agents { return &agents{seen: map[string][]byte{}} }

// append appends the object for a text, with the names of the Elastic Common Schema.
func (a *agents) append(dst, text []byte) ([]byte, bool) {
	text = text[:min(len(text), longestAgent)]
	a.mu.RLock()
	known, ok := a.seen[string(text)]
	a.mu.RUnlock()
	if !ok {
		known = describe(string(text))
		a.mu.Lock()
		if len(a.seen) == mostAgents {
			clear(a.seen)
		}
		a.seen[string(text)] = known
		a.mu.Unlock()
	}
	return append(dst, known...), len(known) > 0
}

// describe returns the object for a text.
func describe(text string) []byte {
	ua := useragent.Parse(text)
	o := begin(nil)
	o.text("name", []byte(ua.Name))
	o.text("version", []byte(ua.Version))
	if ua.OS != "" {
		o.name("os")
		os := begin(o.b)
		os.text("name", []byte(ua.OS))
		os.text("version", []byte(ua.OSVersion))
		o.b = os.end()
	}
	kind := ""
	switch {
	case ua.Bot:
		kind = "bot"
	case ua.Tablet:
		kind = "tablet"
	case ua.Mobile:
		kind = "mobile"
	case ua.Desktop:
		kind = "desktop"
	}
	if kind != "" || ua.Device != "" {
		o.name("device")
		device := begin(o.b)
		device.text("name", []byte(ua.Device))
		device.text("type", []byte(kind))
		o.b = device.end()
	}
	return o.end()
}
