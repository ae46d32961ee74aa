package reload

import "runtime"

// hasModes says whether a file's mode tells who can read it.
const hasModes = runtime.GOOS != "windows"
