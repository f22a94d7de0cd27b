"""Connection tracking that forgets, as a NAT does that has been restarted."""

__all__ = ["FORGET"]

# IPCTNL_MSG_CT_DELETE of everything, and its acknowledgement.
FORGET = """
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.send(struct.pack("=IHHIIBBH", 20, 0x102, 5, 1, 0, 2, 0, 0))
assert s.recv(4096)[16:20] == bytes(4)
"""
