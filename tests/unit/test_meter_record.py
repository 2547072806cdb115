"""What is measured goes into a file of components without touching what people wrote there."""

from __future__ import annotations

import tomllib

import pytest

from reelyard.catalog import DenoiserCard, PictureCard
from worker.engines.measure.component import Measured
from worker.engines.measure.counts import Counts
from worker.engines.measure.record import recorded, table, written

FILE = """# Components.
# What a person wrote at the top stays.

[first]
library = "diffusers"
class = "WanTransformer3DModel"
parameters = 1 # to be counted

[first.config]
num_layers = 2
means = [
    0.5, -0.25,
]

# Why the second is there.
["second.5-b"]
library = "diffusers"
class = "AutoencoderKLWan"
parameters = 7

["second.5-b".config]
z_dim = 16
"""
COUNTS = Counts(100, 0, 80, 0, 2, 40, 20, 10)
CARD = DenoiserCard(
    act_bytes=(1e6, 49280.0),
    gemm_flops=(0.0, 2.50125e9),
    attention_flops=(0.0, 184320.0, 0.0, 0.0),
    traffic_bytes=(0.0, 1.76999e7),
    layers=2,
    width=1536,
    head_dim=128,
    kernels=2733,
    error=1.2e-6,
)
PICTURE = PictureCard(
    act_bytes=(0.0, 19449.6, 12.5),
    flops=(4e6, 8e6),
    traffic_bytes=(0.0, 1e5),
    tile=(256, 256),
    tiled_act_bytes=(1.0, 2.0, 3.0),
    tiled_flops=1.42,
    error=0.001,
    tiled_error=0.01,
)


def test_counts_and_cards_stand_beside_class_and_configuration() -> None:
    found = tomllib.loads(recorded(FILE, "first", Measured(COUNTS, denoiser=CARD)))["first"]
    assert found["class"] == "WanTransformer3DModel"
    assert found["config"] == {"num_layers": 2, "means": [0.5, -0.25]}
    assert found["parameters"] == 100
    assert found["blocks"] == 2
    assert "kept_fp32" not in found  # nothing is kept
    assert DenoiserCard.model_validate(found["denoiser"]) == CARD


def test_each_precision_has_a_table() -> None:
    text = recorded(FILE, "second.5-b", Measured(COUNTS, decode={"bf16": PICTURE, "fp32": PICTURE}))
    decode = tomllib.loads(text)["second.5-b"]["decode"]
    assert {name: PictureCard.model_validate(card) for name, card in decode.items()} == {
        "bf16": PICTURE,
        "fp32": PICTURE,
    }


def test_writing_twice_changes_nothing() -> None:
    once = recorded(FILE, "first", Measured(COUNTS, denoiser=CARD))
    once = recorded(once, "second.5-b", Measured(COUNTS, decode={"fp32": PICTURE}))
    twice = recorded(once, "second.5-b", Measured(COUNTS, decode={"fp32": PICTURE}))
    assert recorded(twice, "first", Measured(COUNTS, denoiser=CARD)) == once


def test_what_was_measured_before_goes() -> None:
    before = recorded(FILE, "second.5-b", Measured(COUNTS, decode={"fp32": PICTURE}))
    after = recorded(before, "second.5-b", Measured(COUNTS))
    assert "decode" not in tomllib.loads(after)["second.5-b"]


def test_comments_and_the_other_entries_stay() -> None:
    text = recorded(FILE, "first", Measured(COUNTS, denoiser=CARD))
    assert text.startswith("# Components.\n# What a person wrote at the top stays.\n\n[first]\n")
    assert '# Why the second is there.\n["second.5-b"]\n' in text
    assert tomllib.loads(text)["second.5-b"] == tomllib.loads(FILE)["second.5-b"]


def test_an_unknown_component_is_not_written() -> None:
    with pytest.raises(KeyError):
        recorded(FILE, "third", Measured(COUNTS))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (3, "3"),
        (0.1, "0.1"),
        (2.0, "2.0"),
        (1.53847e11, "153847000000.0"),
        (1.2e-06, "1.2e-06"),
        (-0.0673092931509018, "-0.0673092931509018"),
        ((1, 2), "[1, 2]"),
        ('say "hello"', '"say \\"hello\\""'),
        ({"a b": 1}, '{ "a b" = 1 }'),
    ],
)
def test_values_are_written_as_toml_reads_them(value: object, text: str) -> None:
    assert written(value) == text
    assert tomllib.loads(f"x = {text}")["x"] == (list(value) if isinstance(value, tuple) else value)


def test_tables_within_tables() -> None:
    """A table of tables alone has no header of its own."""
    lines = table(("models", "my.model"), {"width": 64, "config": {"b": {"c": [1.5]}}})
    assert '[models."my.model".config]' not in lines
    assert tomllib.loads("\n".join(lines)) == {
        "models": {"my.model": {"width": 64, "config": {"b": {"c": [1.5]}}}}
    }


def test_long_lists_have_a_line_for_each_entry() -> None:
    values = [number / 7 for number in range(40)]
    lines = table(("a",), {"mean": values})
    assert max(map(len, lines)) <= 100
    assert tomllib.loads("\n".join(lines)) == {"a": {"mean": values}}
