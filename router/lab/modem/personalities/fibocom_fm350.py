"""Fibocom FM350-GL: 5G, MediaTek; levels as indices of TS 27.007 (SINR in halves of a dB), headings between the lines."""

from router.lab.modem.personality import Personality, Session, away, said

PERSONALITY = Personality(
    name="fibocom-fm350",
    family="fibocom",
    manufacturer="Fibocom Wireless Inc.",
    model="FM350-GL",
    revision="81600.0000.00.29.19.16",
    usb=(0x0E8D, 0x7127),
    imei="863040070123451",
    answers={
        "+CGMI": said('+CGMI: "Fibocom Wireless Inc."'),
        "+CGMM": said('+CGMM: "FM350-GL"'),
        "+CGMR": said('+CGMR: "81600.0000.00.29.19.16"'),
        "+GTCCINFO?": away(
            "+GTCCINFO:",
            "LTE service cell:",
            "1,4,{mcc},{mnc},{tac},{ci},{arfcn},{pci},1{band:02},100,{sinr_halves},{cesq_rsrp},{cesq_rsrp},{cesq_rsrq}",
            idle=("+GTCCINFO:",),
        ),
        "+GTCAINFO?": away("+GTCAINFO:", "PCC:1{band:02},{pci},{arfcn},100,2,1,3,2,{cesq_rsrp}"),
        "+GTSENRDTEMP=1": said("+GTSENRDTEMP: 1,{temperature}000"),
        "+ICCID": said("+ICCID: {iccid}", sim=True),
        "+GTRNDIS?": said('+GTRNDIS: {connected},{cid},"{address}","{dns1}","{dns2}"'),
    },
    sessions={"+GTRNDIS": Session(on=0, context=1)},
    accepted=frozenset({"+GTACT", "+GTUSBMODE"}),
    absent=frozenset(),
    boot=("+CPIN: {pin}",),
    detail=1,
    unknown=100,
)
