import socket
from types import SimpleNamespace

import pytest

from kap import serve


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux ends such connections")
def test_a_client_that_takes_nothing_any_more_does_not_hold_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "STALLED_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serve._give_up_on_the_stalled([SimpleNamespace(sock=listener)])
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted, pytest.raises(TimeoutError):
                accepted.sendall(bytes(64 << 20))
