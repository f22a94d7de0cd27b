"""What a binding of the mobile node needs of the kernel: its tunnel, and who watches what of it."""

from __future__ import annotations

from ipaddress import IPv4Address

from router.daemon.path_mtu import CareOfPath
from router.daemon.path_watch import TunnelPath
from router.daemon.transport import RegistrationSocket
from router.flow.mobile_plan import tunnel_mtu
from router.mip.mobile.binding import MobileBinding
from router.mip.wire.numbers import PORT
from router.plane.model import Tunnel
from router.uplink.model import UplinkView

__all__ = ["care_of_path", "nested_tunnel", "own_tunnel", "tunnel_path"]


def own_tunnel(
    binding: MobileBinding, view: UplinkView, sock: RegistrationSocket, path_mtu: int | None
) -> Tunnel:
    """From the care-of address, and in UDP from the port that registered; `path_mtu` where it is less than the link's."""
    udp = binding.encapsulation == "udp"
    return Tunnel(
        device=f"roam{binding.bid}",
        local=sock.address,
        remote=binding.home_agent,
        encapsulation=binding.encapsulation,
        local_port=sock.port if udp else 0,
        remote_port=PORT if udp else 0,
        mtu=tunnel_mtu(min(view.mtu, path_mtu or view.mtu), binding.encapsulation),
    )


def nested_tunnel(binding: MobileBinding, view: UplinkView) -> Tunnel | None:
    """For mobile networks, of which a foreign agent knows nothing: inside its tunnel."""
    if view.device is None:
        return None
    # A foreign agent that uses GRE uses keys (RFC 6245 section 4.1).
    outer = tunnel_mtu(view.mtu, binding.encapsulation, keyed=binding.encapsulation == "gre")
    return Tunnel(
        device=f"roam{binding.bid}",
        local=binding.home_address,
        remote=binding.home_agent,
        encapsulation="ipip",
        mtu=tunnel_mtu(outer, "ipip"),
        link=view.device,
    )


def tunnel_path(
    binding: MobileBinding | None, tunnel: Tunnel | None, home_address: IPv4Address
) -> TunnelPath | None:
    """What is watched; not through a foreign agent: its tunnel is not ours."""
    if binding is None or tunnel is None or binding.foreign_agent is not None:
        return None
    return TunnelPath(tunnel.device, tunnel.encapsulation, tunnel.local, home_address, tunnel.remote)


def care_of_path(
    binding: MobileBinding | None, view: UplinkView | None, sock: RegistrationSocket | None
) -> CareOfPath | None:
    """Whose MTU is found out; not through a foreign agent: there packets go another way than an echo of ours would."""
    if binding is None or binding.foreign_agent is not None:
        return None
    if sock is None or view is None or view.device is None:
        return None
    return CareOfPath(view.name, view.device, sock.address, binding.home_agent, view.gateway, view.mtu)
