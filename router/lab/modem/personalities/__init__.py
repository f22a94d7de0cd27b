"""The products that the emulator can be, one small table each."""

from __future__ import annotations

from router.lab.modem.personalities import (
    fibocom_fm350,
    huawei_me909s,
    openluat_air724ug,
    quectel_ec25,
    quectel_rm500u,
    quectel_rm520n,
    sierra_em7455,
    simcom_sim7600,
    telit_le910,
)
from router.lab.modem.personality import Personality

__all__ = ["PERSONALITIES", "like"]

PERSONALITIES: dict[str, Personality] = {
    module.PERSONALITY.name: module.PERSONALITY
    for module in (
        quectel_ec25,
        quectel_rm500u,
        quectel_rm520n,
        sierra_em7455,
        simcom_sim7600,
        huawei_me909s,
        telit_le910,
        fibocom_fm350,
        openluat_air724ug,
    )
}


def like(model: str) -> Personality | None:
    """The personality of the model that +CGMM names, or None; a variant (`EC25-EUX`) is its base model."""
    wanted = model.upper().replace("SIMCOM_", "")
    for personality in PERSONALITIES.values():
        own = personality.model.upper().replace("SIMCOM_", "")
        if wanted.split("-")[0] == own.split("-")[0]:
            return personality
    return None
