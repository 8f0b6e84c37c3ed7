"""One page of a list that is already in memory, or of a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
PER_PAGE = 25


@dataclass(frozen=True)
class Page(Generic[T]):
    """Rows of one page, its number from 1, and how many there are in all."""

    rows: Sequence[T]
    number: int
    total: int
    per_page: int = PER_PAGE

    @property
    def last(self) -> int:
        return max(-(-self.total // self.per_page), 1)


def page_of(rows: Sequence[T], number: int, per_page: int = PER_PAGE) -> Page[T]:
    """The page `number` of `rows`; a number out of range means the nearest there is."""
    last = max(-(-len(rows) // per_page), 1)
    number = min(max(number, 1), last)
    return Page(rows[(number - 1) * per_page : number * per_page], number, len(rows), per_page)


def offset_page(number: int, total: int, per_page: int = PER_PAGE) -> tuple[int, int]:
    """The nearest page that exists and the offset it starts at, for a LIMIT query."""
    number = min(max(number, 1), max(-(-total // per_page), 1))
    return number, (number - 1) * per_page
