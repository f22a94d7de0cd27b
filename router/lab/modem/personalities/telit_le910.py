"""Telit LE910C4-EU: LTE category 4, Qualcomm."""

from router.lab.modem.personality import Personality, Session, away, said

PERSONALITY = Personality(
    name="telit-le910",
    family="telit",
    manufacturer="Telit",
    model="LE910C4-EU",
    revision="25.20.666",
    usb=(0x1BC7, 0x1201),
    imei="353080090123455",
    answers={
        "I": said("332"),
        "#SERVINFO": away(
            '#SERVINFO: {arfcn},{rssi},"{operator}","{plmn}",{pci},{tac},128,3,{rsrp}', idle=("#SERVINFO: ",)
        ),
        "#RFSTS": away(
            '#RFSTS: "{mcc} {mnc}",{arfcn},{rsrp},{rssi},{rsrq},{tac},255,{tx_power},128,19,0,{ci_short},'
            '"{imsi}","{operator}",3,{band}',
            idle=("#RFSTS: ",),
        ),
        "#TEMPMON=1": said("#TEMPMEAS: 0,{temperature}"),
        "#CCID": said("#CCID: {iccid}", sim=True),
        "#PCT": said("#PCT: {tries}"),
        "#ECM?": said("#ECM: 0,{connected}"),
        "#USBCFG?": said("#USBCFG: 0"),
    },
    sessions={"#ECM": Session(on=None, context=0), "#ECMD": Session(on=0, values=())},
    resets=frozenset({"#REBOOT"}),
    absent=frozenset({"+C5GREG", "+C5GQOSRDP", "+CPINR"}),
    spaced=False,
)
