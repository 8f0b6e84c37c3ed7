"""Background work: a row in the caller's transaction is the truth, huey only carries the signal."""
