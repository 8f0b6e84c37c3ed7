"""What Kap's slow parts cost, beside what others need for the same work: `make bench`.

This package only asks, compares and prints, and stays small: on Linux a program inherits the peak memory of
the one that started it. All work is done by the programs in `tests.bench.work`, each in a process of its own.
"""
