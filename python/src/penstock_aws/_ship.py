"""Ships files, directories and S3 objects into a domain, with the penstock program."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field, fields
from itertools import takewhile
from typing import IO, Any, Callable, Dict, Iterable, List, Mapping, Optional, Type, Union

from ._program import StrPath, program_path
from ._domain import Domain
from ._errors import Incomplete, InternalError, PenstockError, Refused, UsageError, last_error

Setting = Union[str, int, float, bool, Iterable[str], None]
Input = Union[bytes, str, IO[bytes], IO[str], Iterable[Union[bytes, str]]]


@dataclass(frozen=True)
class Counts:
    """What became of the records: records is the sum of the five outcomes.

    delivered are new in the domain, duplicate were there, dead_lettered rest with their reason, dropped were left out
    by a rule, unacknowledged come again with the next run. raw is everything that the program said.
    """

    items: int = 0
    objects: int = 0
    records: int = 0
    delivered: int = 0
    duplicate: int = 0
    dead_lettered: int = 0
    dropped: int = 0
    unacknowledged: int = 0
    unparsed: int = 0
    undated: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    requests: int = 0
    retries: int = 0
    seconds: float = 0.0
    formats: Mapping[str, int] = field(default_factory=dict)
    indexes: Mapping[str, int] = field(default_factory=dict)
    dead_letters: Optional[str] = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def balanced(self) -> bool:
        """Whether the outcomes add up to the records."""
        return self.records == (
            self.delivered + self.duplicate + self.dead_lettered + self.dropped + self.unacknowledged
        )

    @classmethod
    def _of(cls, told: Mapping[str, Any]) -> Counts:
        known = {f.name for f in fields(cls)} - {"raw"}
        return cls(raw=dict(told), **{name: value for name, value in told.items() if name in known})


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    objects: int = 0
    records: int = 0
    bytes_in: int = 0
    bytes_per_second: int = 0
    dead_lettered: int = 0
    retries: int = 0
    throttled: bool = False


_KINDS: Dict[int, Type[PenstockError]] = {2: UsageError, 4: Incomplete, 5: Refused}


def ship(
    *sources: StrPath,
    domain: Union[str, Domain, None] = None,
    index: Optional[str] = None,
    format: Optional[str] = None,
    dead_letters: Optional[StrPath] = None,
    stdin: Optional[Input] = None,
    progress: Optional[Callable[[Progress], None]] = None,
    progress_every: float = 1.0,
    environment: Optional[Mapping[str, str]] = None,
    cwd: Optional[StrPath] = None,
    program: Optional[StrPath] = None,
    **settings: Setting,
) -> Counts:
    """Ships the sources, and returns when every record is accounted for. The same call again adds no document.

    A source is a file, a directory, an s3:// URL, or "-" for what stdin gives. domain is the endpoint, or a local
    Domain whose user then signs; without it, PENSTOCK_DOMAIN. Any other flag of "penstock ship" is given by its name:
    drop=["level=debug"], strict=True, batch_bytes="5MiB".

    dry_run=True sends nothing and drops the documents: counts.raw["previewed"] says how many there would be.

    Records that the domain will never take are in the dead letters and in counts.dead_lettered; that is no error.
    Refused, Incomplete, UsageError and InternalError say by their kind what kept the run from its end, and have the
    counts when it had begun. progress is called in this thread; what it raises ends the run.
    """
    if not sources and stdin is None:
        raise UsageError("no source is given", 'name files, directories or s3:// URLs, or "-" with stdin=')
    names = [os.fspath(s) for s in sources] or ["-"]
    if stdin is not None and "-" not in names:
        raise UsageError('stdin is given, and "-" is not among the sources', 'add "-" to them')
    args = [program_path(program), "ship", "--json", *_flags(index, format, dead_letters, settings)]
    if progress is not None:
        args.append(f"--progress={max(progress_every, 0.05)}s")
    env = dict(os.environ)
    if isinstance(domain, Domain):
        env = domain.environ(env)
        args.append(f"--domain={domain.url}")
    elif domain is not None:
        args.append(f"--domain={domain}")
    env.update(environment or {})
    return _run([*args, "--", *names], env, cwd, stdin, progress)


def _flags(
    index: Optional[str], format: Optional[str], dead_letters: Optional[StrPath], settings: Mapping[str, Setting]
) -> List[str]:
    flags: List[str] = []
    given: Dict[str, Setting] = {
        "index": index,
        "format": format,
        "dead-letters": None if dead_letters is None else os.fspath(dead_letters),
        **settings,
    }
    for name, value in given.items():
        flag = "--" + name.replace("_", "-")
        if value is None:
            continue
        if isinstance(value, bool):
            flags.append(f"{flag}={'true' if value else 'false'}")
        elif isinstance(value, (str, int, float)):
            flags.append(f"{flag}={value}")
        else:
            flags.extend(f"{flag}={one}" for one in value)
    return flags


def _run(
    args: List[str],
    env: Mapping[str, str],
    cwd: Optional[StrPath],
    stdin: Optional[Input],
    progress: Optional[Callable[[Progress], None]],
) -> Counts:
    child = subprocess.Popen(
        args,
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        # The documents of a dry run are nobody's here, and may be more than fits into memory.
        stdout=subprocess.DEVNULL if "--dry-run=true" in args else subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out: List[bytes] = []
    failed: List[BaseException] = []
    assert child.stderr is not None
    workers = []
    if child.stdout is not None:
        workers.append(threading.Thread(target=_collect, args=(child.stdout, out), daemon=True))
    if stdin is not None:
        workers.append(threading.Thread(target=_feed, args=(child, stdin, failed), daemon=True))
    for w in workers:
        w.start()
    said: List[str] = []
    dry: Dict[str, Any] = {}
    try:
        for line in child.stderr:
            _hear(line.decode("utf-8", "replace").rstrip("\n"), said, dry, progress)
        code = child.wait()
    except BaseException:
        child.terminate()
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise
    finally:
        for w in workers:
            w.join(5)
        if child.stdout is not None:
            child.stdout.close()
        child.stderr.close()
    if failed:
        raise failed[0]
    return _outcome(code, dry or _read(b"".join(out)), said)


def _collect(stream: IO[bytes], out: List[bytes]) -> None:
    for data in iter(lambda: stream.read(1 << 16), b""):
        out.append(data)


def _feed(child: subprocess.Popen[bytes], given: Input, failed: List[BaseException]) -> None:
    """Writes what is given to the child. What the giver raises ends the run with its sources not acknowledged."""
    assert child.stdin is not None
    try:
        for data in _pieces(given):
            child.stdin.write(data.encode() if isinstance(data, str) else data)
            child.stdin.flush()  # what comes slowly is shipped as it comes
        child.stdin.close()
    except OSError:
        pass  # the child has ended, and says why
    except BaseException as err:
        failed.append(err)
        child.terminate()
        time.sleep(0.2)
        child.terminate()  # the first one lets it finish what it reads, which has no end


def _pieces(given: Input) -> Iterable[Union[bytes, str]]:
    if isinstance(given, str):
        return [given]
    if isinstance(given, (bytes, bytearray, memoryview)):
        return [bytes(given)]
    read = getattr(given, "read", None)
    if read is None:
        return given
    return takewhile(len, iter(lambda: read(1 << 16), None))


def _hear(
    line: str, said: List[str], dry: Dict[str, Any], progress: Optional[Callable[[Progress], None]]
) -> None:
    """Keeps a line of standard error, or hands it over when it is one of progress or the counts of a dry run."""
    if line.startswith("{"):
        try:
            told = json.loads(line)
        except ValueError:
            told = {}
        if told.get("dry_run"):
            dry.update(told)
            return
        if told.get("msg") == "progress":
            if progress is not None:
                known = {f.name for f in fields(Progress)}
                progress(Progress(**{k: v for k, v in told.items() if k in known}))
            return
    said.append(line)
    del said[:-200]


def _read(out: bytes) -> Mapping[str, Any]:
    """The counts of a run, which are none when it did not begin."""
    try:
        told = json.loads(out)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _outcome(code: int, told: Mapping[str, Any], said: List[str]) -> Counts:
    counts = Counts._of(told) if told else None
    if code in (0, 3) and counts is not None:
        return counts
    message, hint = last_error(said)
    message = message or "\n".join(said[-5:])
    if code < 0:
        message = f"penstock was ended by signal {-code}" + (f": {message}" if message else "")
        raise Incomplete(message, hint, counts)
    raise _KINDS.get(code, InternalError)(message or f"penstock ended with exit code {code}", hint, counts)
