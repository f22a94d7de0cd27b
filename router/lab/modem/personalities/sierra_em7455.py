"""Sierra Wireless EM7455: LTE category 6, Qualcomm; radio details as a table in text."""

from router.lab.modem.personality import Personality, Session, away, said

_STATUS = (
    "!GSTATUS: ",
    "Current Time:  1520\t\tTemperature: {temperature}",
    "Reset Counter: 1\t\tMode:        ONLINE         ",
    "System mode:   LTE        \tPS state:    Attached     ",
    "LTE band:      B{band}     \t\tLTE bw:      {bandwidth} MHz  ",
    "LTE Rx chan:   {arfcn}\t\tLTE Tx chan: 19300",
    "LTE CA state:  NOT ASSIGNED",
    "EMM state:     Registered     \tNormal Service ",
    "RRC state:     RRC Connected  ",
    "IMS reg state: No Srv  \t\t",
    "",
    "PCC RxM RSSI:  {rssi}\t\tRSRP (dBm):  {rsrp}",
    "PCC RxD RSSI:  {rssi}\t\tRSRP (dBm):  {rsrp}",
    "Tx Power:      --\t\tTAC:         {tac} ({tac_decimal})",
    "RSRQ (dB):     {rsrq_1}\t\tCell ID:     {ci} ({ci_decimal})",
    "SINR (dB):     {sinr_1}",
    "",
)
_SEARCHING = (
    *_STATUS[:2],
    _STATUS[2],
    "System mode:   No service \tPS state:    Not attached ",
    "EMM state:     Deregistered   \tNo Cell ",
    "RRC state:     RRC Idle       ",
    "IMS reg state: No Srv  \t\t",
)

PERSONALITY = Personality(
    name="sierra-em7455",
    family="sierra",
    manufacturer="Sierra Wireless, Incorporated",
    model="EM7455",
    revision="SWI9X30C_02.33.03.00 r8209 CARMD-EV-FRMWR2 2019/08/28 20:59:30",
    usb=(0x1199, 0x9071),
    imei="359072060123453",
    answers={
        "I": said(
            "Manufacturer: Sierra Wireless, Incorporated",
            "Model: EM7455",
            "Revision: SWI9X30C_02.33.03.00 r8209 CARMD-EV-FRMWR2 2019/08/28 20:59:30",
            "MEID: 35907206012345",
            "IMEI: {imei}",
            "IMEI SV: 20",
            "FSN: LF00000000010",
            "+GCAP: +CGSM",
        ),
        "!GSTATUS?": away(*_STATUS, idle=_SEARCHING),
        "!LTEINFO?": away(
            "!LTEINFO:",
            "Serving:   EARFCN MCC MNC   TAC      CID Bd D U SNR PCI  RSRQ   RSRP   RSSI RXLV",
            "             {arfcn} {mcc}  {mnc}  {tac_decimal} {ci}  {band} 5 5 {sinr} {pci} {rsrq_1} {rsrp_1}  {rssi_1} --",
        ),
        "!PCTEMP?": said("Temp state: Normal", "Temperature: {temperature}.00"),
        "!ICCID?": said("!ICCID: {iccid}", sim=True),
        "!SCACT?": said("!SCACT: {cid},{connected}"),
        "!USBCOMP?": said("Config Index: 1", "Config Type:  1 (Generic)", "Interface bitmap: 0000100D"),
    },
    sessions={"!SCACT": Session(on=0, context=1)},
    resets=frozenset({"!RESET"}),
    accepted=frozenset({"!ENTERCND", "!SELRAT"}),
    absent=frozenset({"+C5GREG", "+C5GQOSRDP", "+CCID"}),
    boot=(),
)
