"""Finished films with what lies beside them, and any file by its content."""

from __future__ import annotations

from flask import Response
from flask_openapi.openapi import OpenAPI

from coordinator.api.asked import ArtifactPath, ArtifactQuery, FileQuery, JobPath
from coordinator.api.described import FILMS, file_answers
from coordinator.api.parts import parts
from reelyard.artifact import Artifact
from reelyard.errors import NotFound


def add_films(app: OpenAPI) -> None:
    """The addresses of this file. HEAD works on all of them."""
    film = "/api/v1/jobs/<job_id>/film"
    app.get(film, tags=FILMS, responses=file_answers("video/mp4"))(get_film)
    app.get(f"{film}/subtitles", tags=FILMS, responses=file_answers("text/vtt"))(get_subtitles)
    app.get(f"{film}/poster", tags=FILMS, responses=file_answers("image/jpeg"))(get_poster)
    app.get(f"{film}/sheet", tags=FILMS, responses=file_answers("image/jpeg"))(get_sheet)
    app.get(
        "/api/v1/artifacts/<sha256>",
        tags=FILMS,
        responses=file_answers("video/mp4", "image/jpeg", "application/octet-stream"),
    )(get_artifact)


def get_film(path: JobPath, query: FileQuery) -> Response:
    """The film of a job

    `Range` is understood; 404 says how the job stands while there is no film.
    """
    title, film = parts().views.film(path.checked())
    return _beside(title, film.film, query)


def get_subtitles(path: JobPath, query: FileQuery) -> Response:
    """The subtitles of a film as WebVTT"""
    title, film = parts().views.film(path.checked())
    if film.subtitles is None:
        raise NotFound("This film has no subtitles: nothing is said in it.", "Fetch the film.")
    return _beside(title, film.subtitles, query)


def get_poster(path: JobPath, query: FileQuery) -> Response:
    """The poster of a film"""
    title, film = parts().views.film(path.checked())
    return _beside(title, film.poster, query)


def get_sheet(path: JobPath, query: FileQuery) -> Response:
    """The contact sheet of a film: a picture of each scene"""
    title, film = parts().views.film(path.checked())
    return _beside(f"{title[:90]} sheet", film.sheet, query)


def get_artifact(path: ArtifactPath, query: ArtifactQuery) -> Response:
    """Any file by the SHA-256 of its content

    `Range` is understood. Only pictures, sounds, films and plain text are shown inline.
    """
    files = parts().files
    artifact = files.describe(path.sha256, query.name, query.type)
    return files.hand_over(artifact, query.download)


def _beside(title: str, artifact: Artifact, query: FileQuery) -> Response:
    """Saved under the film's title, with the ending of its own name."""
    ending = artifact.name.rpartition(".")[2] if "." in artifact.name else "bin"
    named = artifact.model_copy(update={"name": f"{title[:100]}.{ending}"})
    return parts().files.hand_over(named, query.download, for_ever=False)
