package format

import "github.com/seed56735111/penstock/format/internal/winxml"

// windowsxml is "Event Schema" in the documentation of Windows: what wevtutil, event collectors and the like write.
func windowsxml() schema {
	return schema{
		name: "windowsxml", told: "Event elements with a System element, one behind the other or in an Events element",
		about: "events of Windows as XML", grammar: winxml.Events{},
	}
}
