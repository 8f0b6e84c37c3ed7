"""Task names and the functions behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from kap.jobs.models import Job


class TaskFailed(Exception):
    """Trying again will not help. The text is a sentence that may be shown to staff."""


class Progress(Protocol):
    """How a running task says how far it is; raises `LeaseLost` when another worker took over."""

    def __call__(self, done: float, step: str | None = None) -> None: ...


@dataclass(frozen=True)
class Task:
    name: str
    run: Callable[..., None]
    attempts: int
    on_failure: Callable[[Job, str], None] | None


TASKS: dict[str, Task] = {}
Function = TypeVar("Function", bound=Callable[..., None])


def task(
    name: str, *, attempts: int = 3, on_failure: Callable[[Job, str], None] | None = None
) -> Callable[[Function], Function]:
    """Register a task `f(progress, **arguments)`.

    It may run more than once (a worker can die after the work and before the row says so), so it must be
    idempotent. It starts with no transaction open and uses `kap.db.transaction()` around its own short ones.
    `on_failure(job, sentence)` runs in a transaction of its own once the job has failed for good.
    """

    def decorate(function: Function) -> Function:
        if name in TASKS:
            raise ValueError(f"two tasks are called {name}")
        TASKS[name] = Task(name, function, attempts, on_failure)
        return function

    return decorate


def arguments_are_plain(arguments: dict[str, Any]) -> bool:
    """Whether every argument is an identifier, a number or a short word: content does not belong in a job."""
    return all(
        value is None or isinstance(value, int | float) or (isinstance(value, str) and len(value) <= 64)
        for value in arguments.values()
    )
