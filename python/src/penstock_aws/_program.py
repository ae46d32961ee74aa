"""Finds the penstock program."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path
from typing import Optional, Union

from ._errors import ProgramNotFound

StrPath = Union[str, "os.PathLike[str]"]

_NAMES = ("penstock.exe", "penstock")


def program_path(program: Optional[StrPath] = None) -> str:
    """Path of the penstock program.

    It is the one that is given, that of PENSTOCK_PROGRAM, the one that this package was installed with, or the first
    one in PATH. Without any, ProgramNotFound says how to name one.
    """
    named = os.fspath(program) if program is not None else os.environ.get("PENSTOCK_PROGRAM", "")
    if named:
        found = shutil.which(named)
        if found is None:
            where = "program=" if program is not None else "PENSTOCK_PROGRAM"
            raise ProgramNotFound(f"{where} names {named}, which is no program")
        return os.path.abspath(found)
    found = _installed() or shutil.which("penstock")
    if found is None:
        raise ProgramNotFound(
            "this installation of penstock-aws has no penstock program",
            "install the wheel for this platform, or name a program with program=, PENSTOCK_PROGRAM or PATH",
        )
    return os.path.abspath(found)


def _installed() -> Optional[str]:
    """The program among the files of the installed distribution."""
    try:
        files = metadata.distribution("penstock-aws").files or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name in _NAMES:
            path = Path(str(file.locate()))
            if path.is_file():
                return str(path)
    return None
