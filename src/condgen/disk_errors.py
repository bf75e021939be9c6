"""Errors of writing, for the user: what cannot be written, and why."""

import errno
import shutil
from pathlib import Path

from condgen.errors import CondgenError


class DiskError(CondgenError):
    """A file cannot be written, because the disk is full, read-only or missing. Existing files are unchanged."""

    @classmethod
    def about(cls, path: Path, error: OSError, size: int | None = None) -> "DiskError":
        """The error for a path. size: number of bytes to write, which the message compares with the free space."""
        reason = error.strerror or str(error)
        if error.errno == errno.ENOSPC and size is not None:
            reason += f" ({size:,} bytes needed, {free(path):,} free)"
        return cls(f"cannot write {str(path)!r}: {reason}.")


class Gone(DiskError):
    """A folder was moved or deleted while condgen wrote to it. Writers do not retry, since they would create a new
    one."""

    def __init__(self, text: str, deleted: bool = False) -> None:
        super().__init__(text)
        self.deleted = deleted


def free(path: Path) -> int:
    """Free space, in bytes, on the disk that contains `path` or would contain it."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
