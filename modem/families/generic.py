"""What every modem of 3GPP TS 27.007 knows."""

from modem import network, signal
from modem.families import Family, Query

SETUP = (
    ("E0", 1.0),
    ("V1", 1.0),
    ("+CMEE=1", 1.0),
)
REGISTRATION_SETUP = (
    ("+CREG=2", 2.0),
    ("+CGREG=2", 2.0),
    ("+CEREG=2", 2.0),
)
IDENTITY = (
    Query("+CGMI", 2.0, network.manufacturer),
    Query("+CGMM", 2.0, network.model),
    Query("+CGMR", 2.0, network.revision),
    Query("+CGSN", 2.0, network.imei),
)
SIM_IDENTITY = (
    Query("+CIMI", 5.0, network.imsi),
    Query("+CCID", 5.0, network.iccid),
)
SIM = (
    Query("+CPIN?", 5.0, network.sim),
    Query("+CFUN?", 5.0, network.functionality),
)
REGISTRATION = (
    Query("+CREG?", 2.0, network.registration),
    Query("+CGREG?", 2.0, network.registration),
    Query("+CEREG?", 2.0, network.registration),
)
REGISTRATION_5G = REGISTRATION + (Query("+C5GREG?", 2.0, network.registration),)
OPERATOR = (Query("+COPS?", 10.0, network.operator),)
CONTEXTS = (
    Query("+CGACT?", 5.0, network.activity),
    Query("+CGPADDR", 5.0, network.addresses),
    Query("+CGCONTRDP", 5.0, network.parameters),
)
STATE = SIM + REGISTRATION + OPERATOR + CONTEXTS
STATE_5G = SIM + REGISTRATION_5G + OPERATOR + CONTEXTS
SIGNAL = (
    Query("+CSQ", 2.0, signal.csq),
    Query("+CESQ", 2.0, signal.cesq),
)
SLOW = (
    Query("+CGDCONT?", 5.0, network.definitions),
    Query("+CGEQOSRDP", 5.0, network.ambr),
)
SLOW_5G = SLOW + (Query("+C5GQOSRDP", 5.0, network.ambr),)
URCS = (
    ("+CREG:", network.registration_urc),
    ("+CGREG:", network.registration_urc),
    ("+CEREG:", network.registration_urc),
    ("+C5GREG:", network.registration_urc),
    ("+CPIN:", network.urc_sim),
)
URC_SETUP = REGISTRATION_SETUP + (("+CGEREP=2,1", 2.0),)
URC_SETUP_5G = REGISTRATION_SETUP + (("+C5GREG=2", 2.0), ("+CGEREP=2,1", 2.0))
RADIO = (("+CFUN=4", 15.0), ("+CFUN=1", 60.0))
RESET = (("+CFUN=1,1", 15.0),)

TABLE = {
    "setup": SETUP,
    "identity": IDENTITY + SIM_IDENTITY,
    "state": STATE,
    "signal": SIGNAL,
    "slow": SLOW,
    "urcs": URCS,
    "urc_setup": URC_SETUP,
    "restart_radio": RADIO,
    "reset": RESET,
    "power_off": (("+CFUN=0", 15.0),),
}

FAMILY = Family(
    "generic",
    **dict(
        TABLE,
        state=SIM + REGISTRATION_5G + (Query("+COPS?", 10.0, network.operator_and_technology),) + CONTEXTS,
        slow=SLOW_5G,
        urc_setup=URC_SETUP_5G,
    ),
)
