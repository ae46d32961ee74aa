"""What can go wrong, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Optional, Tuple

if TYPE_CHECKING:
    from ._ship import Counts


class PenstockError(Exception):
    """The base of all errors of this package.

    hint says what to do, when the program knows it. counts is what became of the records, for a run that had begun.
    """

    def __init__(self, message: str, hint: str = "", counts: Optional[Counts] = None) -> None:
        super().__init__(f"{message}\nhint: {hint}" if hint else message)
        self.message = message
        self.hint = hint
        self.counts = counts


class ProgramNotFound(PenstockError):
    """There is no penstock program: this installation has none, and nobody named one."""


class StartError(PenstockError):
    """A local domain did not start."""


class AdminError(PenstockError):
    """A local domain did not take a policy, identities or faults."""


class UsageError(PenstockError):
    """A wrong name, setting or flag. Nothing was sent."""


class InternalError(PenstockError):
    """A fault of the program."""


class Incomplete(PenstockError):
    """Sources are left, or the domain cannot be reached. The same call again doubles nothing."""


class Refused(PenstockError):
    """The domain or S3 refuses: credentials, signature or policy."""


def last_error(lines: Iterable[str]) -> Tuple[str, str]:
    """The last error that the program named on standard error, with its hint."""
    error = hint = ""
    for line in lines:
        if line.startswith("penstock: error: "):
            error, hint = line[len("penstock: error: ") :], ""
        elif line.startswith("penstock: hint: "):
            hint = line[len("penstock: hint: ") :]
    return error, hint
