"""What the next page says of what was just done."""

from flask import flash


def offer_undo(words: str, url: str) -> None:
    """Say that it worked, beside a button that posts to `url` and undoes it."""
    flash({"words": words, "undo": url}, "success")  # type: ignore[arg-type] # a message may be any JSON value
