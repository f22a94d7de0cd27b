"""OpenLuat Air724UG: LTE category 1, Unisoc."""

from router.lab.modem.personality import Answer, Personality, Session, away, said

_CELL = (
    "+EEMLTESVC: {mcc_bcd}, 2, {mnc_bcd}, {tac_decimal}, {pci}, {arfcn}, {arfcn}, {band}, {bandwidth_index}, "
    "{ci_decimal}, 65535, {cesq_rsrp}, {cesq_rsrq}, {sinr}, {cesq_rsrp}, {cesq_rsrq}, {cesq_rsrp}, {cesq_rsrq}, "
    "65535, 0, 255, 0, 0, 0, 0, 0, 65535, 0, 0, 0"
)

PERSONALITY = Personality(
    name="openluat-air724ug",
    family="openluat",
    manufacturer="",
    model="Air724UG",
    revision="LuatOS-Air_V4032_RDA8910_TTS_NOLVGL_FLOAT",
    usb=(0x1782, 0x4E00),
    imei="866714040123456",
    context=(5, "IPV4V6"),
    answers={
        "+CBC": said("+CBC: 1,84,4014"),
        "+CCED=0,1": away(
            "+CCED:LTE current cell:{mcc},{mnc},{imsi},{roaming},{band},n100,{arfcn},{ci_decimal},{cesq_rsrp},"
            "{cesq_rsrq},{tac_decimal},38,{pci}"
        ),
        "+EEMGINFO?": Answer(("+EEMGINFO: 3, 2",), idle=(), after=(_CELL,)),
        "+CNUM": said('+CNUM: "","+4900000000001",145', sim=True),
        "+CPMS?": said('+CPMS: "SM",0,40,"SM",0,40,"SM",0,40', sim=True),
        "+CTEC?": said("+CTEC: 0,0"),
        "+ICCID": said("+ICCID: {iccid}", sim=True),
        "+RNDISCALL?": said("+RNDISCALL: {connected}"),
        "+SETUSB?": said("mode: 2", "Vid: 0x1782", "Pid: 0x4e00"),
    },
    sessions={"+RNDISCALL": Session(on=0)},
    accepted=frozenset({"+EEMOPT", "+SETUSB"}),
    boot=("+CPIN: {pin}", "SMS READY"),
    named=True,
    comma=", ",
    detail=2,
    unknown=100,
    errors={100: "invalid command line"},
    addresses="words",
)
