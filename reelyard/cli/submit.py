"""`reelyard submit`: scripts become jobs; on request it waits for the films and brings them home.

Every file is read before the first one is sent, so that a wrong name leaves nothing half done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.exits import ExitCode, NobodyCan, code_of_many
from reelyard.cli.last import remember
from reelyard.cli.source import STDIN, Source, read_source
from reelyard.cli.speak import error_object, say, say_error, say_problem, show, show_json
from reelyard.cli.terms import After, By, HowUrgent, Pools, Tags, asked, terms_of
from reelyard.errors import InvalidInput, Problem, ReelyardError
from reelyard.states import Band

if TYPE_CHECKING:
    from reelyard.client import Client
    from reelyard.resources import Submitted
    from reelyard.terms import Terms


@dataclass(slots=True)
class _Tally:
    """What became of each file."""

    as_json: bool
    submitted: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    codes: list[ExitCode] = field(default_factory=list)

    def end(self) -> None:
        """The object for programs, and the exit code."""
        if self.as_json:
            show_json({"submitted": self.submitted, "refused": self.refused})
        raise typer.Exit(code_of_many(self.codes))


def submit(
    files: Annotated[
        list[str], typer.Argument(help="Storyboards or plain scripts; - reads the pipe.")
    ],
    wait: Annotated[bool, typer.Option("--wait", help="Watch until the films are done.")] = False,
    download: Annotated[
        Path | None,
        typer.Option("--download", metavar="DIR", help="Wait, then bring the films there."),
    ] = None,
    priority: Annotated[
        int, typer.Option(min=0, max=100, help="Within a band, higher goes first.")
    ] = 50,
    band: HowUrgent = Band.NORMAL,
    by: By = "",
    after: After = "",
    pool: Pools = None,
    tag: Tags = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Start nothing of it until `reelyard release`.")
    ] = False,
    because: Annotated[str, typer.Option(help="With --hold: why. Others can read it.")] = "",
    key: Annotated[
        str, typer.Option(help="The same key never makes a second job (one file only).")
    ] = "",
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="How long to wait at most.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask the farm, but store nothing.")
    ] = False,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Turn scripts into jobs.

    Prints the id of each job. Exit code 6: no device of the farm can ever run it.
    """
    if key and len(files) > 1:
        raise _usage("--key", "fits one file only", "Submit the files one by one.")
    if files.count(STDIN) > 1:
        raise _usage(STDIN, "can be read only once", "Name it once.")
    terms = terms_of(band, by, after, pool, tag, hold, because)
    sources = [read_source(name) for name in files]
    tally = _Tally(as_json)
    with connect(url, token_file) as client:
        if dry_run:
            _try_out(client, sources, terms, tally)
        else:
            accepted = _send_all(client, sources, priority, key, terms, tally)
            if wait or download:
                _see_to_end(client, accepted, download, timeout, tally)
    tally.end()


def _send_all(
    client: Client,
    sources: list[Source],
    priority: int,
    key: str,
    terms: Terms,
    tally: _Tally,
) -> list[tuple[Source, str]]:
    """The jobs that can run, each with where it came from."""
    accepted = []
    for source in sources:
        try:
            answer = client.submit(source.content, source.media_type, priority, key, terms)
        except InvalidInput as wrong:
            _refuse(source, wrong, tally)
            continue
        remember(client.url, answer.job.id)
        tally.submitted.append({"file": source.name, **answer.model_dump(mode="json")})
        if not tally.as_json:
            _tell(answer)
        if answer.is_possible:
            tally.codes.append(ExitCode.OK)
            accepted.append((source, answer.job.id))
        else:
            tally.codes.append(ExitCode.NOBODY_CAN)
            say_error(_impossible(answer.because, answer.job.id), as_json=False)
    return accepted


def _tell(answer: Submitted) -> None:
    show(answer.job.id)
    if not answer.created:
        say(f"{answer.job.id} was submitted before under this key: {answer.job.state}")
        return
    place = f"number {answer.queue_position} in the queue" if answer.queue_position else "waits"
    scenes = "1 scene" if answer.job.scenes == 1 else f"{answer.job.scenes} scenes"
    say(f"{answer.job.title}: {scenes}, {place}; {answer.because}")
    if said := asked(answer.job):
        say(said)
    for note in answer.notes:
        say(f"note: {note}", "yellow")


def _refuse(source: Source, wrong: InvalidInput, tally: _Tally) -> None:
    tally.codes.append(ExitCode.USAGE)
    tally.refused.append({"file": source.name, **error_object(wrong)})
    if not tally.as_json:
        for problem in wrong.problems:
            say_problem(problem, source.name)


def _see_to_end(
    client: Client,
    accepted: list[tuple[Source, str]],
    download: Path | None,
    timeout: float | None,
    tally: _Tally,
) -> None:
    from reelyard.cli.fetch import bring, file_name
    from reelyard.cli.following import outcome
    from reelyard.cli.watch import watch_to_end

    ended: list[ExitCode] = [code for code in tally.codes if code is not ExitCode.OK]
    entries = {entry["job"]["id"]: entry for entry in tally.submitted}
    for source, job_id in accepted:
        job = watch_to_end(client, job_id, timeout)
        entries[job_id]["job"] = job.model_dump(mode="json")
        code = outcome(job)
        if code is ExitCode.OK and download is not None:
            film = bring(client, job, download / file_name(source.stem or job.title))
            entries[job_id]["film"] = str(film)
            if not tally.as_json:
                show(str(film))
        elif code is ExitCode.OK:
            say(f"bring it home: reelyard fetch {job_id}")
        ended.append(code)
    tally.codes = ended


def _try_out(client: Client, sources: list[Source], terms: Terms, tally: _Tally) -> None:
    for source in sources:
        answer = client.validate(source.content, source.media_type, terms)
        entry = {"file": source.name, **answer.model_dump(mode="json")}
        if not answer.ok:
            from reelyard.problem_document import problem_of

            wrong = InvalidInput([problem_of(item) for item in answer.problems])
            _refuse(source, wrong, tally)
            continue
        tally.submitted.append(entry)
        possible = answer.estimate is None or answer.estimate.is_possible
        because = answer.estimate.because if answer.estimate else ""
        tally.codes.append(ExitCode.OK if possible else ExitCode.NOBODY_CAN)
        if tally.as_json:
            continue
        show(f"{source.name}: good; nothing was stored. {because}".rstrip())
        for note in answer.notes:
            say(f"note: {note}", "yellow")
        if answer.estimate is not None and answer.estimate.quote is not None:
            from reelyard.cli.quote import tell

            tell(source.name, answer.estimate.quote)
        if not possible:
            say_error(_impossible(because, ""), as_json=False)


def _impossible(because: str, job_id: str) -> ReelyardError:
    waits = f"It waits for a device that can; `reelyard why {job_id}` has every answer, "
    calls_off = f"`reelyard cancel {job_id}` calls it off."
    remedy = waits + calls_off if job_id else "`reelyard models` lists what can run here."
    return NobodyCan(f"no device of this farm can run it: {because}.", remedy)


def _usage(field_name: str, message: str, remedy: str) -> InvalidInput:
    return InvalidInput([Problem(field_name, message, remedy=remedy)])
