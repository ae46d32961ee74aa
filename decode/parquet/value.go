package parquet

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"github.com/seed56735111/penstock/decode/internal/values"
)

// appender appends a value as JSON, or nothing for one that JSON does not have.
type appender = func(dst []byte, v *value) []byte

// valueOf says how the values of a column become JSON ("LogicalTypes.md" of the Parquet format). The older annotations
// stand for newer ones.
func valueOf(e *element) appender {
	logical, scale, unit, utc, signed := e.logical, int(e.scale), unitOf(e.unit), e.utc, e.signed
	if logical == 0 {
		switch e.converted {
		case convertedUTF8:
			logical = logicalString
		case convertedEnum:
			logical = logicalEnum
		case convertedDecimal:
			logical = logicalDecimal
		case convertedDate:
			logical = logicalDate
		case convertedTimeMillis:
			logical, unit = logicalTime, &values.Millis
		case convertedTimeMicros:
			logical, unit = logicalTime, &values.Micros
		case convertedTimestampMillis:
			logical, unit, utc = logicalTimestamp, &values.Millis, true
		case convertedTimestampMicros:
			logical, unit, utc = logicalTimestamp, &values.Micros, true
		case convertedJSON:
			logical = logicalJSON
		}
		if e.converted >= convertedUint8 && e.converted <= convertedUint64 {
			logical = logicalInteger
		}
	}
	isBytes := e.physical == byteArray || e.physical == fixed
	switch {
	case logical == logicalString && isBytes, logical == logicalEnum && isBytes:
		return func(dst []byte, v *value) []byte { return values.AppendText(dst, v.bytes) }
	case logical == logicalJSON && isBytes:
		return func(dst []byte, v *value) []byte { return values.AppendJSON(dst, v.bytes) }
	case logical == logicalDecimal && scale >= 0:
		return decimal(e.physical, scale)
	case logical == logicalDate && e.physical == int32s:
		return func(dst []byte, v *value) []byte { return values.AppendDate(dst, v.int32()) }
	case logical == logicalTime && unit != nil && e.physical == int32s:
		return func(dst []byte, v *value) []byte { return values.AppendClock(dst, v.int32(), *unit) }
	case logical == logicalTime && unit != nil && e.physical == int64s:
		return func(dst []byte, v *value) []byte { return values.AppendClock(dst, v.int64(), *unit) }
	case logical == logicalTimestamp && unit != nil && e.physical == int64s:
		return func(dst []byte, v *value) []byte { return values.AppendInstant(dst, v.int64(), *unit, utc) }
	case logical == logicalInteger && !signed && (e.physical == int32s || e.physical == int64s):
		return func(dst []byte, v *value) []byte { return strconv.AppendUint(dst, v.bits, 10) }
	case logical == logicalUUID && e.physical == fixed:
		return func(dst []byte, v *value) []byte { return values.AppendUUID(dst, v.bytes) }
	case logical == logicalFloat16 && e.physical == fixed && e.length == 2:
		return func(dst []byte, v *value) []byte {
			return values.AppendFloat(dst, half(binary.LittleEndian.Uint16(v.bytes)), 32)
		}
	case e.converted == convertedInterval && e.physical == fixed:
		return func(dst []byte, v *value) []byte { return values.AppendInterval(dst, v.bytes) }
	}
	return asStored(e.physical)
}

func (v *value) int32() int64 { return int64(int32(v.bits)) } //nolint:gosec // the bits of the number
func (v *value) int64() int64 { return int64(v.bits) }        //nolint:gosec // the bits of the number

func unitOf(n int16) *values.Unit {
	switch n {
	case 1:
		return &values.Millis
	case 2:
		return &values.Micros
	case 3:
		return &values.Nanos
	}
	return nil
}

// asStored says how values become JSON of which nothing is said.
func asStored(p physical) appender {
	switch p {
	case boolean:
		return func(dst []byte, v *value) []byte { return strconv.AppendBool(dst, v.bits != 0) }
	case int32s:
		return func(dst []byte, v *value) []byte { return strconv.AppendInt(dst, v.int32(), 10) }
	case int64s:
		return func(dst []byte, v *value) []byte { return strconv.AppendInt(dst, v.int64(), 10) }
	case int96:
		return appendInt96
	case float:
		return func(dst []byte, v *value) []byte {
			f := math.Float32frombits(uint32(v.bits)) //nolint:gosec // the bits of the number
			return values.AppendFloat(dst, float64(f), 32)
		}
	case double:
		return func(dst []byte, v *value) []byte { return values.AppendFloat(dst, math.Float64frombits(v.bits), 64) }
	case byteArray, fixed:
	}
	return func(dst []byte, v *value) []byte { return values.AppendBytes(dst, v.bytes) }
}

// half is the number that 16 bits are (IEEE 754, binary16).
func half(b uint16) float64 {
	sign, exponent, fraction := 1-2*float64(b>>15), int(b>>10&31), float64(b&0x3ff)
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		return math.NaN()
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// decimal appends numbers with a fixed number of digits behind the point, exactly.
func decimal(p physical, scale int) appender {
	switch p {
	case int32s, int64s:
		return func(dst []byte, v *value) []byte {
			n := v.int64()
			if p == int32s {
				n = v.int32()
			}
			var digits [20]byte
			return values.AppendScaled(dst, strconv.AppendInt(digits[:0], n, 10), scale)
		}
	case byteArray, fixed:
		return func(dst []byte, v *value) []byte { return values.AppendDecimal(dst, v.bytes, scale) }
	case boolean, int96, float, double:
	}
	return asStored(p)
}

// appendInt96 appends what older writers have for times: nanoseconds of a day, and the number of the day in the Julian
// calendar.
func appendInt96(dst []byte, v *value) []byte {
	const julian, day = 2440588, 86400 // the first is 1970-01-01
	nanos, days := binary.LittleEndian.Uint64(v.bytes), int64(binary.LittleEndian.Uint32(v.bytes[8:]))
	t := time.Unix((days-julian)*day, 0).Add(time.Duration(nanos)).UTC() //nolint:gosec // looked at below
	if nanos >= day*1e9 || t.Year() < 0 || t.Year() > 9999 {
		return values.AppendBytes(dst, v.bytes)
	}
	return values.AppendTime(dst, t, values.Nanos, true)
}
