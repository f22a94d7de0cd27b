"""The estimate from the radio, against values worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.path.radio import efficiency_of_cqi, efficiency_of_sinr, estimate

LTE = {"technology": "E-UTRAN", "bandwidth_down": 10_000, "bandwidth_up": 10_000, "rsrp": -90, "layers": 2}


def test_a_carrier_of_known_cqi():
    # CQI 10: 2.7305 bit/s/Hz; 10 MHz, 2 layers, 3/4 of it for data, 0.45 of the cell:
    # 10e6 x 2.7305 x 2 x 0.75 x 0.45 = 18_430_875; the uplink has one layer: 9_215_437.5.
    found = estimate({**LTE, "cqi": 10})
    assert (found.down, found.up) == (18_430_875, 9_215_438)
    assert found.confidence == 0.6


def test_a_carrier_of_known_sinr():
    # 10 dB is a ratio of 10: 0.6 log2(11) = 0.6 x 3.459432 = 2.075659; x 10e6 x 2 x 0.3375 = 14_010_699.
    found = estimate({**LTE, "sinr": 10})
    assert found.down == pytest.approx(14_010_699, abs=2)
    assert found.confidence == pytest.approx(0.54)


def test_the_tables_of_the_standards():
    assert efficiency_of_cqi(1, "E-UTRAN") == 0.1523
    assert efficiency_of_cqi(7, "E-UTRAN") == 1.4766
    assert efficiency_of_cqi(15, "E-UTRAN") == 5.5547
    assert efficiency_of_cqi(4, "NR") == 1.4766
    assert efficiency_of_cqi(12, "NR") == 5.5547
    assert efficiency_of_cqi(15, "NR") == 7.4063
    assert efficiency_of_cqi(0, "NR") == efficiency_of_cqi(16, "E-UTRAN") == 0


def test_an_nr_cqi_is_read_by_the_table_that_the_sinr_can_carry():
    # Shannon at 3 dB: log2(1 + 1.9953) = 1.58 bit/s/Hz: CQI 7 cannot mean 2.7305.
    assert efficiency_of_cqi(7, "NR", 3.0) == 1.4766
    assert efficiency_of_cqi(7, "NR", 12.0) == 2.7305


def test_sinr_is_truncated_at_both_ends():
    assert efficiency_of_sinr(-10.1, "E-UTRAN") == 0
    assert efficiency_of_sinr(-10, "E-UTRAN") == pytest.approx(0.6 * 0.137504, rel=1e-4)
    assert efficiency_of_sinr(40, "E-UTRAN") == 5.5547
    assert efficiency_of_sinr(60, "NR") == 7.4063


def test_a_tdd_carrier_shares_its_time():
    fdd = estimate({**LTE, "cqi": 10})
    for tdd in ({"duplex": "TDD"}, {"band": "B41"}):
        found = estimate({**LTE, "cqi": 10, **tdd})
        assert (found.down, found.up) == (round(0.7 * fdd.down), pytest.approx(0.2 * fdd.up, abs=1))
    assert estimate({**LTE, "cqi": 10, "band": "B41", "duplex": "FDD"}) == fdd
    assert estimate({**LTE, "cqi": 10, "band": "B3"}) == fdd


def test_carriers_add_up_and_only_the_primary_sends():
    primary = {"role": "PCC", "technology": "E-UTRAN", "band": "B3", "bandwidth_down": 20_000, "sinr": 10}
    second = {"role": "SCC", "technology": "E-UTRAN", "band": "B7", "bandwidth_down": 10_000, "sinr": 10}
    alone = estimate({**LTE, "carriers": [primary]})
    both = estimate({**LTE, "carriers": [primary, second]})
    # The second at one half of the bandwidth; its layers unknown, and two from 10 dB on.
    assert both.down == pytest.approx(1.5 * alone.down, abs=2)
    assert both.up == alone.up


def test_a_list_without_the_primary_carrier_is_added_to_the_serving_cell():
    second = {"role": "SCC", "technology": "NR", "band": "n78", "bandwidth_down": 50_000, "sinr": 10}
    leg = 50e6 * 2.075659 * 2 * 0.3375 * 0.7
    found = estimate({**LTE, "technology": "EN-DC", "sinr": 10, "carriers": [second]})
    assert found.down == pytest.approx(14_010_699 + leg, abs=100)


def test_the_subscription_bounds_it():
    found = estimate({**LTE, "cqi": 15, "ambr_down": 10_000_000, "ambr_up": 1_000_000})
    assert (found.down, found.up) == (10_000_000, 1_000_000)


def test_the_uplink_is_limited_by_power_at_the_cells_edge():
    near = estimate({**LTE, "cqi": 5})
    edge = estimate({**LTE, "cqi": 5, "rsrp": -110})
    far = estimate({**LTE, "cqi": 5, "rsrp": -120})
    assert near.up == edge.up
    # 10 dB below the limit: a tenth.
    assert far.up == pytest.approx(edge.up / 10, abs=1)
    assert far.down == edge.down


def test_without_sinr_it_is_guessed_from_rsrp_and_rsrq():
    # RSRP -113: 10 dB above the noise of -123 dBm.
    by_rsrp = estimate({**LTE, "rsrp": -113})
    assert by_rsrp.down == pytest.approx(14_010_699, abs=2)
    # RSRQ -15: 1/(12 x 0.0316228) - 0.5 = 2.1352: SINR -3.294 dB, a ratio of 0.46834:
    # 0.6 log2(1.46834) = 0.33252; x 6.75e6 = 2_244_500.
    by_rsrq = estimate({**LTE, "rsrp": -80, "rsrq": -15})
    assert by_rsrq.down == pytest.approx(2_244_500, rel=1e-3)
    assert by_rsrp.confidence == by_rsrq.confidence == pytest.approx(0.24)


def test_confidence_sinks_with_what_is_assumed():
    full = estimate({**LTE, "cqi": 10}).confidence
    no_layers = estimate({**LTE, "cqi": 10, "layers": None}).confidence
    no_width = estimate({"technology": "E-UTRAN", "cqi": 10}).confidence
    assert 0 < no_width < no_layers < full < 1


@pytest.mark.parametrize(
    "facts",
    [{}, {"technology": "GSM", "rssi": -70}, {"technology": "UTRAN", "rscp": -90}, {"technology": "E-UTRAN"}],
)
def test_where_the_radio_says_nothing_there_is_no_estimate(facts):
    assert estimate(facts) is None


def optional(strategy):
    return st.none() | strategy


QUALITY = {
    "rsrp": optional(st.integers(-160, -20)),
    "rsrq": optional(st.floats(-50, 25)),
    "sinr": optional(st.floats(-40, 60)),
    "cqi": optional(st.integers(0, 15)),
    "layers": optional(st.integers(1, 8)),
    "bandwidth_down": optional(st.integers(200, 400_000)),
    "bandwidth_up": optional(st.integers(0, 400_000)),
    "band": optional(st.sampled_from(["B3", "n78", "B", "n", "x", "B\u0663"])),
    "technology": optional(st.sampled_from(["E-UTRAN", "NR", "EN-DC", "GSM"])),
}
FACTS = st.fixed_dictionaries(
    {
        **QUALITY,
        "ambr_down": optional(st.integers(0, 10**10)),
        "carriers": optional(
            st.lists(st.fixed_dictionaries({**QUALITY, "role": st.sampled_from(["PCC", "SCC"])}))
        ),
    }
)


@given(FACTS)
def test_any_facts_give_a_finite_rate_or_nothing(facts):
    found = estimate(facts)
    if found is not None:
        assert 0 <= found.down < 10**12 and 0 <= found.up < 10**12
        assert 0 <= found.confidence <= 0.6


@given(FACTS, st.floats(-20, 30))
def test_a_better_sinr_never_carries_less(facts, sinr):
    flat = {**facts, "technology": "E-UTRAN", "cqi": None, "carriers": None}
    low, high = estimate({**flat, "sinr": sinr}), estimate({**flat, "sinr": sinr + 3})
    assert low.down <= high.down
