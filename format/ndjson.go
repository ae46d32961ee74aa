package format

// The JSON family without a schema: one parser, told apart by its layout for the sake of the format's name.

func isNDJSON(s *sample) bool { return s.shape() == jsonLines }

func isJSON(s *sample) bool { return s.shape() != notJSON }

func readNDJSON(p *parsing, y yield) { p.jsonReader(&p.plain, nil).read(p, y) }

func readJSON(p *parsing, y yield) {
	r := p.jsonReader(&p.plain, nil)
	r.envelope, r.array = envelopeName, true
	r.read(p, y)
}

// jsonReader returns the reader in a slot, made when it is used for the first time.
func (p *parsing) jsonReader(slot **jsonReader, opaque []string) *jsonReader {
	if *slot == nil {
		*slot = &jsonReader{scanner: newScanner(opaque), rewrite: rewriter{opaque: opaque}}
	}
	r := *slot
	r.reader, r.envelope, r.array, r.vain = p.reader, "", false, 0
	return r
}

// read reads the entry, and hands the buffer back.
func (r *jsonReader) read(p *parsing, y yield) {
	r.records(y)
	p.json = r.json
}
