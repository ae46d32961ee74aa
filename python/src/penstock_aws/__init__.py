"""Log files into an IAM-protected OpenSearch domain, and a guarded domain for tests.

`ship` brings files, directories and S3 objects into a domain. `Domain` is a domain on this machine that judges
signatures and policies as AWS does. `penstock_aws.auth` signs requests of other clients, and `penstock_aws.boto3` gives
boto3 a client and a resource for the documents of a domain.
"""

from __future__ import annotations

from ._program import program_path
from ._credentials import Credentials
from ._domain import Document, Domain, Response, RoleSession
from ._errors import (
    AdminError,
    ProgramNotFound,
    Incomplete,
    InternalError,
    PenstockError,
    Refused,
    StartError,
    UsageError,
)
from ._ship import Counts, Progress, ship

__all__ = [
    "AdminError",
    "ProgramNotFound",
    "Counts",
    "Credentials",
    "Document",
    "Domain",
    "Incomplete",
    "InternalError",
    "PenstockError",
    "Progress",
    "Refused",
    "Response",
    "RoleSession",
    "StartError",
    "UsageError",
    "program_path",
    "ship",
]
