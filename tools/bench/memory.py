"""The most memory that this process has held; imports nothing that would count."""

import resource
import sys
from pathlib import Path


def peak_bytes():
    """Peak resident memory since this program began, in bytes.

    On Linux from the memory map: what `getrusage` says there includes the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
