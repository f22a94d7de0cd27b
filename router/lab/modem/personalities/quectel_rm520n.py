"""Quectel RM520N-GL: 5G beside LTE or alone, Qualcomm."""

from router.lab.modem.personality import Personality, Session, away, said

_LTE = (
    '"LTE","{duplex}",{mcc},{mnc},{ci_short},{pci},{arfcn},{band},{bandwidth_index},{bandwidth_index},{tac},'
    "{rsrp},{rsrq},{rssi},{sinr},{cqi},{tx_power},36"
)
_STATE = '+QENG: "servingcell","{rrc}"'
_NSA = '+QENG: "NR5G-NSA",{mcc},{mnc},{nr_pci},{nr_rsrp},{nr_sinr},{nr_rsrq},{nr_arfcn},{nr_band},12,{scs}'
_SA = ',"NR5G-SA","{duplex}",{mcc},{mnc},{ci},{pci},{tac},{arfcn},{band},12,{rsrp},{rsrq},{sinr},{scs},41'  # bandwidth index 12: 100 MHz
_PCC = '+QCAINFO: "PCC",{arfcn},100,"LTE BAND {band}",1,{pci},{rsrp},{rsrq},{rssi},{sinr}'

PERSONALITY = Personality(
    name="quectel-rm520n",
    family="quectel",
    manufacturer="Quectel",
    model="RM520N-GL",
    revision="RM520NGLAAR03A03M4G",
    usb=(0x2C7C, 0x0801),
    technology="EN-DC",
    cell={
        "nr_pci": 415,
        "nr_arfcn": 636768,
        "nr_band": 78,
        "nr_rsrp": -88,
        "nr_rsrq": -11,
        "nr_sinr": 21,
    },
    context=(1, "IPV4V6"),
    answers={
        "+QNWINFO": away(
            '+QNWINFO: "{duplex} LTE","{plmn}","LTE BAND {band}",{arfcn}',
            '+QNWINFO: "TDD NR5G","{plmn}","NR5G BAND {nr_band}",{nr_arfcn}',
            idle=("+QNWINFO: No Service",),
            LTE=('+QNWINFO: "{duplex} LTE","{plmn}","LTE BAND {band}",{arfcn}',),
            NR=('+QNWINFO: "{duplex} NR5G","{plmn}","NR5G BAND {band}",{arfcn}',),
        ),
        '+QENG="servingcell"': away(
            _STATE,
            "+QENG: " + _LTE,
            _NSA,
            idle=('+QENG: "servingcell","SEARCH"',),
            LTE=(f"{_STATE},{_LTE}",),
            NR=(_STATE + _SA,),
        ),
        "+QCAINFO": away(
            _PCC,
            '+QCAINFO: "SCC",{nr_arfcn},12,"NR5G BAND {nr_band}",{nr_pci}',
            LTE=(_PCC,),
            NR=('+QCAINFO: "PCC",{arfcn},12,"NR5G BAND {band}",{pci}',),
        ),
        "+QSPN": away('+QSPN: "{operator}","{short}","",0,"{plmn}"', idle=100),
        "+QRSRP": away("+QRSRP: {rsrp},{rsrp},-140,-140,LTE"),
        "+QTEMP": said(
            '+QTEMP:"modem-lte-sub6-pa1","{temperature}"',
            '+QTEMP:"modem-sdr0-pa0","0"',
            '+QTEMP:"modem-mmw0","-273"',
            '+QTEMP:"cpuss-0","45"',
        ),
        "+QCCID": said("+QCCID: {iccid}", sim=True),
        "+QUIMSLOT?": said("+QUIMSLOT: 1"),
        "+QPINC?": said('+QPINC: "SC",{tries},{puk_tries}', '+QPINC: "P2",3,10'),
        "+QGDCNT?": said("+QGDCNT: {sent},{received}"),
        "+QGDNRCNT?": said("+QGDNRCNT: {sent},{received}"),
        '+QCFG="usbnet"': said('+QCFG: "usbnet",1'),
        # kbit/s; in 5G a unit (1: 1 kbit/s, each next one four times as much) before each value.
        '+QNWCFG="lte_ambr"': away('+QNWCFG: "lte_ambr","{apn}",{ambr_down},{ambr_up}', NR=()),
        '+QNWCFG="nr5g_ambr"': away(NR=('+QNWCFG: "nr5g_ambr","{apn}",1,{ambr_down},1,{ambr_up}',)),
        "+QNETDEVCTL?": said("+QNETDEVCTL: {connected},{bound},{connected},{connected}"),
    },
    sessions={"+QNETDEVCTL": Session(on=0, context=1)},
    accepted=frozenset({"+QINDCFG", "+QURCCFG", "+QICSGP", "+QMAP"}),
    absent=frozenset(),
    boot=("RDY", "+CFUN: 1", "+CPIN: {pin}", "+QUSIM: 1", "+QIND: SMS DONE", "+QIND: PB DONE"),
    chatter=('+QIND: "csq",{csq},99',),
)
