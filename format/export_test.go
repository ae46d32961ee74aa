package format

// SetFramed has f told of the bytes that frame records in the entries that d recognises from now on.
func (d *Detector) SetFramed(f func(offset, length int64)) { d.framed = f }
