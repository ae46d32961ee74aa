package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// leaveStart takes the pages of the program out of the memory of this process that only its start has needed: most of
// what a server takes when it begins. They stay in the system's cache, from where those that are needed come again. It
// changes nothing when it cannot be done.
func leaveStart() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range programPages(maps, exe) {
		// A page of 2 MiB around each that is needed would bring everything back.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_NOHUGEPAGE)
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED)
	}
}

// mapped is a part of the address space.
type mapped struct{ from, to uintptr }

// programPages finds the parts that are as the file of the program has them: nothing can write to them, and nothing has
// before.
func programPages(smaps []byte, exe string) []mapped {
	var all []mapped
	var m mapped
	isProgram := false
	for s := bufio.NewScanner(bytes.NewReader(smaps)); s.Scan(); {
		line := s.Text()
		var next mapped
		var mode, name string
		var offset, inode uint64
		var device string
		// A name with blanks is cut, and so is none that is known.
		if n, _ := fmt.Sscanf(line, "%x-%x %s %x %s %d %s", &next.from, &next.to, &mode, &offset, &device, &inode,
			&name); n >= 3 {
			m, isProgram = next, name == exe && (mode == "r-xp" || mode == "r--p")
			continue
		}
		var private uint64
		if n, _ := fmt.Sscanf(line, "Anonymous: %d kB", &private); n == 1 && isProgram && private == 0 {
			all = append(all, m)
		}
	}
	return all
}
