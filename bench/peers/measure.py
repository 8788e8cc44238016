"""Time and memory."""

import resource
import time


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_mb():
    # getrusage's maximum survives exec and would be that of the parent, where that was larger.
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
