"""Kap: a self-hosted companion for ketamine-assisted psychotherapy."""

__version__ = "0.1.0"
