package format

// SetFramed has f told of the bytes that frame records in the entries that d recognises from now on.
func (d *Detector) SetFramed(f func(offset, length int64)) { d.framed = f }

// Controls counts the control characters that text does not have; Control tells of one byte whether it is one.
var (
	Controls = controls
	Control  = control
)
