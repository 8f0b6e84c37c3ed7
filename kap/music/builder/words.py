"""Times as people write them."""

import math


def minutes(seconds: float) -> str:
    """“12 min”, or seconds up to a minute; rounded up."""
    return f"{math.ceil(seconds / 60)} min" if seconds > 60 else f"{math.ceil(seconds)} s"


def clock(seconds: float) -> str:
    """“12:05”, “1:02:05”"""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
