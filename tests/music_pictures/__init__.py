"""Original music and finished mixes, rendered, measured with FFmpeg and drawn for docs/music.md."""
