"""One model closely: how it would run on every kind of device."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from dashboard import session
from dashboard.parts import parts
from dashboard.present import lessons, models
from reelyard.errors import NotFound
from reelyard.predict.views import FitMatrix

bp = Blueprint("models", __name__)


@bp.get("/models/<model_id>")
def model(model_id: str) -> str:
    """Plan, memory, time and reason per device; what its runs have taught."""
    farm = parts().farm_for(session.token())
    matrix = farm.model_fit(request.args.get("devices") == "all")
    known = {one.id: one for one in farm.models().data}
    page = "fragments/model.html" if request.headers.get("HX-Request") else "model.html"
    return render_template(
        page,
        model=_row_of(matrix, model_id),
        about=known.get(model_id),
        lessons=lessons.lesson_rows(
            [one for one in farm.lessons().data if one.model == model_id], ""
        ),
        clip_time=models.clip_time,
        reasons=models.reasons,
    )


def _row_of(matrix: FitMatrix, model_id: str) -> models.ModelRow:
    only = FitMatrix(
        devices=matrix.devices, data=[row for row in matrix.data if row.model == model_id]
    )
    rows = models.fit_table(only, "", "").rows
    if not rows:
        raise NotFound(f"there is no model {model_id!r}.", "Start from the list of models.")
    return rows[0]
