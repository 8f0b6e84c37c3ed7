"""One page of a list that is already in memory, or of a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select, func

from kap.db import db

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
    number, offset = _nearest(number, len(rows), per_page)
    return Page(rows[offset : offset + per_page], number, len(rows), per_page)


def read_page(rows: Select[T], number: int, per_page: int = PER_PAGE) -> Page[T]:
    """The same of what a query finds, counted and read in two statements."""
    counted = rows.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    total = db.session.scalar(counted) or 0
    number, offset = _nearest(number, total, per_page)
    found = db.session.scalars(rows.limit(per_page).offset(offset))
    return Page(list(found), number, total, per_page)


def _nearest(number: int, total: int, per_page: int) -> tuple[int, int]:
    """The nearest page that exists, and how many rows stand before it."""
    number = min(max(number, 1), max(-(-total // per_page), 1))
    return number, (number - 1) * per_page
