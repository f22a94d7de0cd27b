"""MikroTik R11e-LTE and R11e-LTE6: ZTE's commands, levels by +CESQ."""

from modem.families import Family, generic, zte

FAMILY = Family(
    "mikrotik",
    **dict(
        generic.TABLE,
        usb=((0x2CD2, None),),
        roles={None: {0: "at", 2: "at"}},
        signal=generic.SIGNAL + zte.SIGNAL,
        connect=zte.connect,
        addressing="dhcp",
        disconnect=zte.disconnect,
        connected=generic.CONTEXTS[0],
    ),
)
