"""Integrated loudness and true peak by FFmpeg's own filter, through PyAV: `measure_ffmpeg TRACKS`."""

import sys

import av
from av.filter import Graph

from tests.bench.work import tracks


def measure(path: str) -> None:
    with av.open(path) as container:
        stream = container.streams.audio[0]
        graph = Graph()
        source = graph.add_abuffer(template=stream)
        # `framelog=quiet` keeps a line per 100 ms off the terminal; without `metadata` nothing else is paid.
        graph.link_nodes(source, graph.add("ebur128", "peak=true:framelog=quiet"), graph.add("abuffersink"))
        graph.configure()
        for frame in container.decode(stream):
            graph.push(frame)
            _empty(graph)


def _empty(graph: Graph) -> None:
    while True:
        try:
            graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return


for track in tracks.load(sys.argv[1]):
    measure(track.path)
