"""The track library, session arcs, the playlist builder and rendered mixes; nothing here knows a patient."""
