"""A server of one serial port on loopback, as terminal servers are: plain octets, or RFC 2217 by pyserial's own half."""

import contextlib
import select
import socket
import threading

import serial
from serial.rfc2217 import PortManager


class Port(serial.Serial):
    """A pseudo-terminal has no modem lines to be asked for or set."""

    cts = dsr = ri = cd = False

    def _update_dtr_state(self):
        pass

    def _update_rts_state(self):
        pass


class PortServer:
    """A context: the number of its TCP port."""

    def __init__(self, path, rfc2217):
        self._port = Port(path, 115200, timeout=0)
        self._rfc2217 = rfc2217
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._running = True
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self._listener.getsockname()[1]

    def __exit__(self, *_):
        self._running = False
        self._thread.join()
        self._listener.close()
        self._port.close()

    def _run(self):
        while self._running:
            if select.select([self._listener], [], [], 0.05)[0]:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    self._serve(connection)

    def _serve(self, connection):
        manager = PortManager(self._port, Connection(connection)) if self._rfc2217 else None
        while self._running:
            ready, _, _ = select.select([connection, self._port], [], [], 0.05)
            if self._port in ready:
                data = self._port.read(4096)
                connection.sendall(b"".join(manager.escape(data)) if manager else data)
            if connection in ready:
                data = connection.recv(4096)
                if not data:
                    return
                self._port.write(b"".join(manager.filter(data)) if manager else data)


class Connection:
    """What PortManager writes its answers to."""

    def __init__(self, connection):
        self.write = connection.sendall
