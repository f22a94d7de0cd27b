"""Quectel RM500U: 5G, Unisoc."""

from router.lab.modem.personality import Personality, Session, away, said

_CELL = (
    '+QENG: "servingcell","{rrc}","NR5G-SA","{duplex}",{mcc},{mnc},{ci},{pci},{tac},{arfcn},{band},{bandwidth},'
    "{rsrp},{rsrq},{sinr},18,34,{scs}"
)
_LTE_CELL = (
    '+QENG: "servingcell","{rrc}","LTE","{duplex}",{mcc},{mnc},{ci_short},{pci},{arfcn},{band},'
    "{bandwidth_index},{bandwidth_index},{tac},{rsrp},{rsrq},{rssi},{sinr},{cqi},{tx_power},31"
)

PERSONALITY = Personality(
    name="quectel-rm500u",
    family="quectel",
    manufacturer="Quectel",
    model="RM500U-CNV",
    revision="RM500UCNVCAR03A12M2G",
    usb=(0x2C7C, 0x0900),
    technology="NR",
    cell={
        "ci": "00101B0114",
        "tac": "10010F",
        "pci": 702,
        "arfcn": 633984,
        "band": 78,
        "duplex": "TDD",
        "bandwidth": 100,
    },
    context=(1, "IPV4V6"),
    answers={
        "+QNWINFO": away(
            '+QNWINFO: "NR5G-SA",{plmn},"NR N{band}",{arfcn}',
            idle=("+QNWINFO: No Service",),
            LTE=('+QNWINFO: "{duplex} LTE",{plmn},"LTE BAND {band}",{arfcn}',),
        ),
        '+QENG="servingcell"': away(_CELL, idle=('+QENG: "servingcell","SEARCH"',), LTE=(_LTE_CELL,)),
        '+QENG="neighbourcell"': away('+QENG: "neighbourcell","NR",{arfcn},262,-102,-17,-6,-,32'),
        "+QCAINFO": away(
            '+QCAINFO: "PCC",{arfcn},{bandwidth},"NR N{band}",1,{pci},{rsrp},{rsrq},{rssi},{sinr}'
        ),
        "+QSPN": away('+QSPN: "{operator}","{short}","",0,"{plmn}"', idle=4),
        "+QTEMP": said(
            '+QTEMP: "soc-thermal","{temperature}"',
            '+QTEMP: "pa-thermal","40"',
            '+QTEMP: "pa5g-thermal","39"',
            '+QTEMP: "board-thermal","40"',
        ),
        "+CBC": said("+CBC: 0,100"),
        "+CNUM": said('+CNUM: "","+4900000000001",145', sim=True),
        "+CPMS?": said('+CPMS: "SM",0,40,"SM",0,40,"SM",0,40', sim=True),
        "+QUIMSLOT?": said("+QUIMSLOT: 1"),
        "+QUIMSLOT=?": said("+QUIMSLOT: (1,2)"),
        "+QPINC?": said('+QPINC: "SC",{tries},{puk_tries}', '+QPINC: "P2",3,10'),
        "+QGDCNT?": said("+QGDCNT: {sent},{received}"),
        '+QCFG="usbnet"': said('+QCFG: "usbnet",5'),
        '+QCFG="5glan"': said(*(f'+QCFG: "5glan",{number},0' for number in range(1, 9))),
        '+QNWCFG="up/down"': said('+QNWCFG: "up/down",250,0,2'),
        '+QNWLOCK="common/5g"': said('+QNWLOCK: "common/5g"'),
        '+QNWLOCK="common/lte"': said('+QNWLOCK: "common/lte"'),
        '+QNWPREFCFG="mode_pref"': said('+QNWPREFCFG: "mode_pref",AUTO'),
        '+QNWPREFCFG="gw_band"': said('+QNWPREFCFG: "gw_band",1:5:8'),
        '+QNWPREFCFG="lte_band"': said('+QNWPREFCFG: "lte_band",1:3:5:8'),
        '+QNWPREFCFG="nr5g_band"': said('+QNWPREFCFG: "nr5g_band",1:28:41:78'),
        "+QNETDEVCTL?": said("+QNETDEVCTL: {cid},{connected},0,{connected}"),
    },
    sessions={"+QNETDEVCTL": Session(on=1, context=0)},
    accepted=frozenset({"+QINDCFG", "+QURCCFG", "+QICSGP"}),
    absent=frozenset({"+CGEQOSRDP"}),
    boot=("RDY", "+CPIN: {pin}", "+QIND: SMS DONE", "+QIND: PB DONE"),
    chatter=('+QIND: "csq",{csq},99',),
    addresses="colons",
    detail=1,
    unknown=4,
)
