"""Loads mutated network files, each in a process of limited memory and time: python fuzz_worker.py FOLDER FIRST LAST

Prints what became of every file: a count for each kind of end, then the files that ended in any other way.
"""

import collections
import faulthandler
import json
import os
import resource
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from mutations import mutated

MEMORY = 2**30  # bytes of address space, beyond what Keras needs to be there
SECONDS = 10
# What no network file may make us do; see Python's table of audit events.
FORBIDDEN = {
    *("exec", "compile", "pickle.find_class", "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn"),
    *(
        "os.remove",
        "os.rename",
        "os.mkdir",
        "os.rmdir",
        "os.putenv",
        "shutil.rmtree",
        "socket.connect",
        "ctypes.dlopen",
    ),
}
seen: list[str] = []
armed = False


def watch(event: str, arguments: tuple) -> None:
    if not armed:
        return
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if event in FORBIDDEN or writes:
        seen.append(f"{event} {arguments[:2]!r:.100}")


def outcome(path: Path) -> str:
    """refused: with one sentence. loaded: networks of the sizes they declare, with finite numbers. Raises otherwise."""
    from stylegan_tf.errors import UserError
    from stylegan_tf.weights.load import load

    try:
        nets = load(path)
    except UserError as error:
        if str(path) not in str(error) or len(str(error)) > 2000:
            raise AssertionError(f"not a clear sentence: {error}") from None
        return "refused"
    for network in filter(None, nets):
        again = type(network).from_config(network.get_config())
        if [v.shape for v in again.variables] != [v.shape for v in network.variables]:
            raise AssertionError("its shapes are not those that it declares")
        if not all(np.isfinite(variable.numpy()).all() for variable in network.variables):
            raise AssertionError("its numbers are not finite")
    return "loaded"


def main(folder: Path, first: int, last: int) -> None:
    global armed
    warnings.simplefilter("error")
    files = sorted(folder.glob("whole-*"))
    for path in files:  # imports all that loading needs
        assert outcome(path) == "loaded"
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    sys.addaudithook(watch)
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    target = folder / f"worker-{os.getpid()}"
    for number in range(first, last):
        data, suffix = mutated(files, number)
        path = target.with_suffix(suffix)
        path.write_bytes(data)
        (folder / "at").write_text(str(number))
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        seen.clear()
        armed = True
        try:
            end = outcome(path)
        except BaseException as error:  # whatever it is, it is what we look for
            end = "wrong"
            wrong.append(f"{number}: {type(error).__name__}: {str(error)[:300]}")
        armed = False
        faulthandler.cancel_dump_traceback_later()
        wrong += [f"{number}: {event}" for event in seen]
        counts[f"{suffix} {end}"] += 1
        path.unlink()
    print(json.dumps({"counts": counts, "wrong": wrong}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
