"""Files of the storage while a task works: real paths to read, and copies that are kept only with their row.

Every task may run again after a worker died in the middle: a file goes into the storage first and is named by
its row in one last short transaction, which finds out whether another run was faster.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kap.jobs.registry import TaskFailed
from kap.storage import FileMissing, storage


class Superseded(Exception):
    """Another run has finished this work; what this one made is not needed."""


@contextmanager
def kept(files: dict[str, Path], *, kind: str) -> Iterator[dict[str, str]]:
    """Copies in the storage while their row is written; removed again unless it was."""
    keys: dict[str, str] = {}
    try:
        for name, path in files.items():
            keys[name] = storage().put(path, kind=kind)
        yield keys
    except Superseded:
        discard(keys)
    except BaseException:
        discard(keys)
        raise


def discard(keys: dict[str, str]) -> None:
    for key in keys.values():
        storage().delete(key)


@contextmanager
def local_files(keys: list[str]) -> Iterator[list[Path]]:
    """Real files for keys of the storage. Raises `TaskFailed` when one is gone."""
    with ExitStack() as stack:
        try:
            paths = [stack.enter_context(storage().local_path(key)) for key in keys]
        except FileMissing as missing:
            raise TaskFailed("The storage has lost a file this needs.") from missing
        yield paths
