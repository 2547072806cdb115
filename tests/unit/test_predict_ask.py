"""Questions and answers: what fits, what does not and by how much, what nobody knows."""

from __future__ import annotations

import pytest

from reelyard.catalog import Catalog, load_catalog
from reelyard.errors import InvalidInput
from reelyard.predict.answer import Answer, Status
from reelyard.predict.ask import predict
from reelyard.predict.request import read_request

CATALOG: Catalog = load_catalog()
JETSONS = {"model": "cosmos-1.0-diffusion-7b-text2world", "device": "jetson-agx-orin-64gb"}


def ask(**given: object) -> Answer:
    request, unheeded = read_request(given)
    assert unheeded == ()
    return predict(request, CATALOG)


@pytest.mark.parametrize("model", sorted(CATALOG.models))
def test_a_resident_model_loads_in_no_time(model: str) -> None:
    cold = ask(model=model, device="b200")
    warm = ask(model=model, device="b200", resident=True)
    assert cold.status is warm.status is Status.OK
    assert warm.load_seconds == 0.0 < (cold.load_seconds or 0.0)


def test_two_jetsons_take_over_an_hour_and_say_what_that_rests_on() -> None:
    size = {"width": 1280, "height": 704, "frames": 121}
    one, two = ask(**JETSONS, **size), ask(**JETSONS, **size, gpus=2)
    assert one.seconds and two.seconds
    assert 3600 < two.seconds < one.seconds < 4 * 3600
    assert two.plan is not None and two.plan.split == "guidance"
    assert "estimate" in two.because and "never timed here" in two.because


def test_what_does_not_fit_says_by_how_much_and_what_would() -> None:
    found = ask(model="hunyuanvideo", device="rtx-4090", offload="none", precision="bf16")
    assert found.status is Status.INFEASIBLE and found.seconds is None
    assert "more than the 23.5 GiB of rtx-4090" in found.because
    assert "it would fit with" in found.because and "or on " in found.because


@pytest.mark.parametrize("given", [{"model": "sora"}, {"device": "rtx-9090"}])
def test_what_is_not_known_is_no_number(given: dict[str, str]) -> None:
    found = ask(**{"model": "ltx-video", "device": "rtx-4090", **given})
    assert found.status is Status.UNKNOWN
    assert next(iter(given.values())) in found.because
    numbers = found.model_dump(include={"peak_vram_gib", "bound_vram_gib", "seconds", "energy_wh"})
    assert set(numbers.values()) == {None}


def test_names_are_forgiven_and_values_are_not() -> None:
    found = ask(
        model="Wan-AI/Wan2.1-T2V-14B-Diffusers",
        device="NVIDIA GeForce RTX 4090",
        offload="sequential_cpu_offload",
        precision="bfloat16",
    )
    assert (found.model, found.device) == ("wan2.1-t2v-14b", "rtx-4090")
    assert found.plan is not None and found.plan.offload == "sequential"
    with pytest.raises(InvalidInput, match=r"precision: .*\(got int3"):
        read_request({"model": "ltx-video", "device": "l4", "precision": "int3"})
    with pytest.raises(InvalidInput, match=r"frames: .*\(got 0"):
        read_request({"model": "ltx-video", "device": "l4", "frames": 0})


def test_another_length_counts_as_the_next_one() -> None:
    found = ask(model="ltx-video", device="h100-sxm", width=760, height=512, frames=88)
    assert (found.width, found.height, found.frames) == (768, 512, 89)
    assert "88 frames count as 89" in found.because and "760x512 counts as" in found.because
