package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
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
}

// Of its own pages a process keeps those that it goes on to need. No other test may run beside this one.
func TestAServerGivesBackWhatItsStartHasNeeded(t *testing.T) {
	program := func() (kb int) {
		t.Helper()
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Skipf("no /proc here: %v", err)
		}
		_, rest, _ := strings.Cut(string(status), "RssFile:")
		if _, err := fmt.Sscan(rest, &kb); err != nil {
			t.Skipf("the system does not say what a program takes: %v", err)
		}
		return kb
	}
	newRootCommand(&app{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}})
	before := program()
	leaveStart()
	if after := program(); 2*after > before {
		t.Errorf("the program takes %d kB, and %d before", after, before)
	}
}
