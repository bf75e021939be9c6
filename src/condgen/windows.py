"""What Windows does differently from POSIX systems, in one place.

There, a folder cannot be opened and so not be fsynced or locked; fsync needs a file that is open for writing; an open
file can neither be renamed nor removed; there is no flock, O_NONBLOCK or SIGCONT, and ``os.kill(pid, 0)`` would send
Ctrl-C. tests/reliability/windows.py plays all of this on Linux.
"""

import os
import sys

IS_WINDOWS = sys.platform == "win32"
BINARY = getattr(os, "O_BINARY", 0)
"""Flag of os.open without which Windows changes line ends in what is read and written."""
NONBLOCK = getattr(os, "O_NONBLOCK", 0)
RETRY_SECONDS = (0.01, 0.03, 0.1, 0.3, 0.6)
"""Pauses before a rename is tried again: virus scanners and indexers open new files for a moment."""


def runs(pid: int) -> bool:
    """Whether a process with this ID runs on Windows."""
    if sys.platform != "win32":
        raise NotImplementedError
    import ctypes

    synchronize, access_denied, timeout = 0x00100000, 5, 0x102
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = ctypes.c_void_p
    kernel.WaitForSingleObject.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    kernel.CloseHandle.argtypes = [ctypes.c_void_p]
    process = kernel.OpenProcess(synchronize, False, pid)
    if not process:
        return ctypes.get_last_error() == access_denied
    try:
        return kernel.WaitForSingleObject(process, 0) == timeout
    finally:
        kernel.CloseHandle(process)
