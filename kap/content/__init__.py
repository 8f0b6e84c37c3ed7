"""Reads the guides and journal prompts that ship as Markdown; no Flask, no database."""
