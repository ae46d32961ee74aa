package format

import "github.com/seed56735111/penstock/format/internal/multiline"

func text() schema {
	return schema{
		name: "text", told: "no other format fits",
		about:   "lines of text, with times in any notation, which may go on over several lines",
		grammar: multiline.Text{}, generic: true,
	}
}
