"""The music engine: decode, measure, plan, mix, encode. Files in, files out; no database, no web."""
