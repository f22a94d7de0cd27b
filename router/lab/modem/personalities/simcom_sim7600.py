"""SIMCom SIM7600E-H: LTE category 4, Qualcomm; levels in tenths."""

from router.lab.modem.personality import Answer, Personality, Session, away, said

PERSONALITY = Personality(
    name="simcom-sim7600",
    family="simcom",
    manufacturer="SIMCOM INCORPORATED",
    model="SIMCOM_SIM7600E-H",
    revision="LE20B04SIM7600M22",
    usb=(0x1E0E, 0x9001),
    imei="867584030123452",
    answers={
        "I": said(
            "Manufacturer: SIMCOM INCORPORATED",
            "Model: SIMCOM_SIM7600E-H",
            "Revision: SIM7600M22_V2.0",
            "IMEI: {imei}",
            "+GCAP: +CGSM,+FCLASS,+DS",
        ),
        "+CGMR": said("+CGMR: LE20B04SIM7600M22"),
        "+CPSI?": away(
            "+CPSI: LTE,Online,{mcc}-{mnc},0x{tac},{ci_decimal},{pci},EUTRAN-BAND{band},{arfcn},"
            "{bandwidth_index},{bandwidth_index},{rsrq_tenths},{rsrp_tenths},{rssi_tenths},{sinr}",
            idle=("+CPSI: NO SERVICE,Online",),
        ),
        "+CPMUTEMP": said("+CPMUTEMP: {temperature}"),
        "+CNSMOD?": away("+CNSMOD: 0,8", idle=("+CNSMOD: 0,0",)),
        "+CICCID": said("+ICCID: {iccid}", sim=True),
        "+SPIC": said("+SPIC: {tries},{puk_tries},3,10"),
        "$QCRMCALL?": Answer(("$QCRMCALL: 1, V4",), session=True),
        "+CUSBPIDSWITCH?": said("+CUSBPIDSWITCH: 9001"),
    },
    sessions={"$QCRMCALL": Session(on=0, answer="$QCRMCALL: 1, V4")},
    resets=frozenset({"+CRESET"}),
    accepted=frozenset({"+CUSBPIDSWITCH", "+CNMP", "+CSDVC"}),
    absent=frozenset({"+C5GREG", "+C5GQOSRDP", "+CCID", "+CPINR"}),
    boot=("*ATREADY: 1", "+CPIN: {pin}", "SMS DONE", "PB DONE"),
    chatter=("+CNSMOD: 8",),
    spaced=True,
)
