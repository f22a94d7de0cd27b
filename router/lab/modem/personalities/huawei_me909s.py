"""Huawei ME909s-120: LTE category 4, HiSilicon; levels as indices, an address in hexadecimal."""

from router.lab.modem.personality import Personality, Session, away, said

_LEVELS = '^HCSQ: "LTE",{hcsq_rssi},{cesq_rsrp},{hcsq_sinr},{cesq_rsrq}'

PERSONALITY = Personality(
    name="huawei-me909s",
    family="huawei",
    manufacturer="Huawei Technologies Co., Ltd.",
    model="ME909s-120",
    revision="11.617.09.00.00",
    usb=(0x12D1, 0x15C1),
    imei="867223020123458",
    answers={
        "I": said(
            "Manufacturer: Huawei Technologies Co., Ltd.",
            "Model: ME909s-120",
            "Revision: 11.617.09.00.00",
            "IMEI: {imei}",
            "+GCAP: +CGSM,+DS,+ES",
        ),
        "^HCSQ?": away(_LEVELS, idle=('^HCSQ: "NOSERVICE"',)),
        "^SYSINFOEX": away(
            '^SYSINFOEX: 2,3,{roaming},1,,6,"LTE",101,"LTE"',
            idle=('^SYSINFOEX: 0,0,0,1,,0,"NO SERVICE",0,"NO SERVICE"',),
        ),
        "^HFREQINFO?": away("^HFREQINFO: 0,6,{band},{arfcn},18150,20000,19300,17200,20000", idle=()),
        "^MONSC": away(
            "^MONSC: LTE,{mcc},{mnc},{arfcn},{ci},{pci:X},{tac},{rsrp},{rsrq},{rssi}", idle=("^MONSC: NONE",)
        ),
        "^CHIPTEMP?": said("^CHIPTEMP: {temperature}0,390,390,400,{temperature}"),
        "^ICCID?": said("^ICCID: {iccid}", sim=True),
        "^CPIN?": said("^CPIN: {pin},,{puk_tries},{tries},10,3"),
        "^NDISSTATQRY?": said('^NDISSTATQRY: {connected},,,"IPV4"'),
        "^DHCP?": away(
            "^DHCP: {address_hex},{mask_hex},{gateway_hex},{gateway_hex},{dns1_hex},{dns2_hex},150000000,50000000",
            idle=100,
        ),
    },
    sessions={"^NDISDUP": Session(on=1, context=0, up='^NDISSTAT: 1,,,"IPV4"', down='^NDISSTAT: 0,,,"IPV4"')},
    resets=frozenset({"^RESET"}),
    accepted=frozenset({"^CURC", "^SYSCFGEX"}),
    absent=frozenset({"+C5GREG", "+C5GQOSRDP", "+CCID", "+CPINR"}),
    boot=("^SYSSTART", "^SIMST: 1"),
    chatter=("^RSSI: {csq}", _LEVELS),
    spaced=True,
)
