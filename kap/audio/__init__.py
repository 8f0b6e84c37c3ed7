"""The music engine: decode, measure, plan, mix, encode. Files in, files out; no database, no web."""

RATE = 48_000
"""Samples a second of everything inside; the rate Opus works at, so that nothing is converted twice."""
