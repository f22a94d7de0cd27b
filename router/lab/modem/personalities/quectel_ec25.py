"""Quectel EC25: LTE category 4, Qualcomm."""

from router.lab.modem.personality import Personality, Session, away, said

_CELL = (
    '+QENG: "servingcell","{rrc}","LTE","{duplex}",{mcc},{mnc},{ci_short},{pci},{arfcn},{band},'
    "{bandwidth_index},{bandwidth_index},{tac},{rsrp},{rsrq},{rssi},{sinr_fifths},31"
)

PERSONALITY = Personality(
    name="quectel-ec25",
    family="quectel",
    manufacturer="Quectel",
    model="EC25",
    revision="EC25EFAR06A01M4G",
    usb=(0x2C7C, 0x0125),
    answers={
        "+QNWINFO": away(
            '+QNWINFO: "{duplex} LTE","{plmn}","LTE BAND {band}",{arfcn}', idle=("+QNWINFO: No Service",)
        ),
        '+QENG="servingcell"': away(_CELL, idle=('+QENG: "servingcell","SEARCH"',)),
        "+QCAINFO": away('+QCAINFO: "pcc",{arfcn},100,"LTE BAND {band}",1,{pci},{rsrp},{rsrq},{rssi},{sinr}'),
        "+QCSQ": away('+QCSQ: "LTE",{rssi},{rsrp},{sinr_fifths},{rsrq}', idle=('+QCSQ: "NOSERVICE"',)),
        "+QSPN": away('+QSPN: "{operator}","{short}","",0,"{plmn}"', idle=100),
        "+QTEMP": said("+QTEMP: {temperature},39,38"),
        "+QCCID": said("+QCCID: {iccid}", sim=True),
        "+QPINC?": said('+QPINC: "SC",{tries},{puk_tries}', '+QPINC: "P2",3,10'),
        "+QSIMSTAT?": said("+QSIMSTAT: 0,1"),
        "+QINISTAT": said("+QINISTAT: 7"),
        "+QGDCNT?": said("+QGDCNT: {sent},{received}"),
        '+QCFG="usbnet"': said('+QCFG: "usbnet",1'),
        '+QCFG="nwscanmode"': said('+QCFG: "nwscanmode",0'),
        "+QNETDEVCTL?": said("+QNETDEVCTL: {connected},{bound},{connected},{connected}"),
    },
    sessions={"+QNETDEVCTL": Session(on=0, context=1)},
    accepted=frozenset({"+QINDCFG", "+QURCCFG", "+QICSGP", "+QCFG"}),
    boot=("RDY", "+CFUN: 1", "+CPIN: {pin}", "+QUSIM: 1", "+QIND: SMS DONE", "+QIND: PB DONE"),
    chatter=('+QIND: "csq",{csq},99', '+QIND: "act","LTE"'),
)
