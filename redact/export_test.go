package redact

// Find returns what is found in a text.
func (d *Detector) Find(text []byte) (found []string) {
	s := new(scratch)
	for _, h := range d.find(s, text) {
		found = append(found, string(s.text(h)))
	}
	return found
}
