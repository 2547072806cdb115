"""A shot becomes the arguments of whichever pipeline is to draw it; what cannot be is refused."""

from __future__ import annotations

from typing import Any

import pytest

from reelyard.artifact import Artifact
from reelyard.catalog import GuidanceBy, VideoModel, load_catalog
from reelyard.failure import FailureKind
from reelyard.task import VideoWork
from worker.desk import TaskFailed
from worker.engines.video.arguments import arguments, parameters, unheeded
from worker.engines.video.limits import refuse_impossible

MODELS = load_catalog().models
CALL = frozenset(
    {
        "prompt",
        "negative_prompt",
        "width",
        "height",
        "num_frames",
        "num_inference_steps",
        "guidance_scale",
        "max_sequence_length",
        "generator",
        "output_type",
        "callback_on_step_end",
    }
)
PICTURE = Artifact(name="last.png", media_type="image/png", size_bytes=1, sha256="0" * 64)


def a_shot(model: VideoModel, **changes: Any) -> VideoWork:
    work = VideoWork(
        model=model.id,
        prompt="a boat",
        width=model.width,
        height=model.height,
        fps=model.fps,
        frames=model.longest_clip,
        steps=model.steps,
        guidance=model.guidance,
        seed=1,
    )
    return work.model_copy(update=changes)


def test_a_shot_is_said_in_the_pipelines_words() -> None:
    model = MODELS["wan2.1-t2v-1.3b"]

    said = arguments(CALL, a_shot(model, negative="fog"), model, "a red boat")

    assert said == {
        "prompt": "a red boat",
        "negative_prompt": "fog",
        "width": 832,
        "height": 480,
        "num_frames": 81,
        "num_inference_steps": 50,
        "guidance_scale": 5.0,
        "max_sequence_length": 512,
        "output_type": "np",
    }


@pytest.mark.parametrize(
    ("name", "model"), [("frame_rate", "ltx-video"), ("fps", "mochi-1-preview")]
)
def test_the_speed_goes_under_the_name_that_the_pipeline_has(name: str, model: str) -> None:
    entry = MODELS[model]

    said = arguments(CALL | {name}, a_shot(entry, fps=13), entry, "a boat")

    assert said[name] == 13
    assert len({"fps", "frame_rate"} & said.keys()) == 1


def test_a_distilled_model_is_told_its_guidance_and_no_negative_prompt() -> None:
    model = MODELS["hunyuanvideo"]
    names = CALL | {"true_cfg_scale"}

    said = arguments(names, a_shot(model, negative="fog"), model, "a boat")

    assert said["guidance_scale"] == 6.0
    assert not {"true_cfg_scale", "negative_prompt"} & said.keys()
    assert unheeded(names, a_shot(model, negative="fog"), model) == (
        "HunyuanVideo knows no negative prompt: 'fog' was left out",
    )


def test_guidance_by_calls_goes_to_the_true_guidance() -> None:
    model = MODELS["hunyuanvideo"].model_copy(
        update={"guidance_by": GuidanceBy.CALLS, "negative": True}
    )

    said = arguments(CALL | {"true_cfg_scale"}, a_shot(model, negative="fog"), model, "a boat")

    assert (said["true_cfg_scale"], said["negative_prompt"]) == (6.0, "fog")
    assert "guidance_scale" not in said


def test_a_negative_prompt_without_guidance_is_noted() -> None:
    model = MODELS["ltx-video"]

    assert unheeded(CALL, a_shot(model, negative="fog", guidance=1.0), model) == (
        "at guidance 1 the negative prompt has no effect",
    )
    assert unheeded(CALL, a_shot(model, negative="fog"), model) == ()


def test_a_pipelines_words_are_read_from_its_call() -> None:
    def call(prompt: str, fps: int = 8) -> None: ...

    assert parameters(call) == {"prompt", "fps"}


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_every_model_of_the_catalog_takes_its_own_defaults(model: VideoModel) -> None:
    assert refuse_impossible(a_shot(model), model) == model.longest_clip


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"frames": 80}, "renders 4n+1 frames, from 5 to 81, not 80. Ask for 81"),
        ({"frames": 85}, "not 85. Ask for 81"),
        ({"frames": 1}, "not 1. Ask for 5"),
        ({"frames": None}, "without a frame count"),
        ({"width": 830}, "width that is a multiple of 16, not 830. Ask for 832"),
        ({"height": 4}, "height that is a multiple of 16, not 4. Ask for 16"),
        ({"start_image": PICTURE}, "cannot start from a picture"),
    ],
)
def test_what_the_model_cannot_do_is_refused_with_a_remedy(
    changes: dict[str, Any], sentence: str
) -> None:
    model = MODELS["wan2.1-t2v-1.3b"]

    with pytest.raises(TaskFailed) as refused:
        refuse_impossible(a_shot(model, **changes), model)

    assert refused.value.failure.kind is FailureKind.BAD_INPUT
    assert sentence in refused.value.failure.sentence
