package times

import "testing"

// What remembers the last second reads what follows as what does not.
func FuzzRecent(f *testing.F) {
	for _, s := range [][2]string{
		{"2026-11-24T10:11:12Z", "2026-11-24T10:11:12.345Z"},
		{"2026-11-24T10:11:12.345Z", "2026-11-24T10:11:12.9Z"},
		{"2026-11-24T10:11:12.345Z", "2026-11-24T10:11:13Z"},
		{"2026-11-24T10:11:12.345Z", "2026-11-24T10:11:12.1234567890Z"},
		{"2026-11-24T10:11:12.345Z", "2026-11-24T10:11:12.Z"},
		{"2026-11-24T10:11:12.345Z", "2026-11-24T10:11:12"},
		{"2026-11-24T10:11:12.345Z", "2026-11-24T10:11:12,5Z"},
		{"2026-11-24 10:11:12Z", "2026-11-24 10:11:12 Z"},
		{"2026/11/24 23:59:60Z", "2026/11/24 23:59:60.5Z"},
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.5Z"},
		{"1969-12-31T23:59:59Z", "1969-12-31T23:59:59.5Z"},
		{"2026-11-24 10:11:12 NZ", "2026-11-24 10:11:12Z"},
		{"2026-11-24T10:11:12-08:00", "2026-11-24T10:11:12Z"},
		{"2026-13-24T10:11:12Z", "2026-13-24T10:11:12.5Z"},
		{"", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00Z"},
	} {
		f.Add([]byte(s[0]), []byte(s[1]))
	}
	f.Fuzz(func(t *testing.T, before, b []byte) {
		var r Recent
		for _, one := range [][]byte{before, b, before} {
			got, size, ok := r.ISO(one)
			want, wantSize, wantOK := ISO(one)
			if !got.Equal(want) || got.Location() != want.Location() || size != wantSize || ok != wantOK {
				t.Errorf("%q behind %q is %v (%d, %v), want %v (%d, %v)", one, before, got, size, ok, want, wantSize, wantOK)
			}
		}
	})
}

func BenchmarkRecent(b *testing.B) {
	text := []byte("2026-11-24T10:11:12.345Z")
	var r Recent
	for b.Loop() {
		if _, _, ok := r.ISO(text); !ok {
			b.Fatal("no time")
		}
	}
}
