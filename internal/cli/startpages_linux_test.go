package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Pages that something has written to, or can, are not in the file: taking them out would lose them.
func TestOnlyPagesAsTheFileHasThemAreLeft(t *testing.T) {
	t.Parallel()
	const smaps = `00400000-0173c000 r-xp 00000000 fe:00 281 /opt/penstock
Rss:               13288 kB
Anonymous:             0 kB
0173c000-02a14000 r--p 0133c000 fe:00 281 /opt/penstock
Anonymous:             0 kB
02a14000-02a20000 r--p 02614000 fe:00 281 /opt/penstock
Anonymous:            48 kB
02a20000-02c17000 rw-p 02620000 fe:00 281 /opt/penstock
Anonymous:             0 kB
02c17000-02c18000 r-xp 00000000 fe:00 282 /opt/penstock.so
Anonymous:             0 kB
25eb03c00000-25eb04400000 r--p 00000000 00:00 0 
Anonymous:             0 kB
`
	want := []mapped{{0x400000, 0x173c000}, {0x173c000, 0x2a14000}}
	if diff := cmp.Diff(want, programPages([]byte(smaps), "/opt/penstock"), cmp.AllowUnexported(mapped{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	leaveStart() // of the test's own process, which goes on
}
