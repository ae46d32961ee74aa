"""python -m penstock_aws: the penstock program, wherever it is."""

from __future__ import annotations

import os
import subprocess
import sys

from ._errors import ProgramNotFound
from ._program import program_path


def main() -> int:
    try:
        program = program_path()
    except ProgramNotFound as err:
        print(f"penstock: error: {err.message}", file=sys.stderr)
        if err.hint:
            print(f"penstock: hint: {err.hint}", file=sys.stderr)
        return 2
    if os.name == "posix":
        os.execv(program, [program, *sys.argv[1:]])
    return subprocess.call([program, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
