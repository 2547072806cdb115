"""House rules: what the document says, who and what each rule is about, what is different."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from reelyard.catalog import load_catalog
from reelyard.errors import InvalidInput, Problem
from reelyard.rules.changes import MOST_SAID, changes, changes_sentence
from reelyard.rules.document import Pool, Rules, admitted, no_rules, power_cap
from reelyard.rules.hours import ALWAYS, NEVER
from reelyard.rules.local import check_alone
from reelyard.rules.opening import read_hours
from reelyard.rules.parse import MOST_BYTES, parse
from reelyard.rules.remarks import Place, Present, remarks
from reelyard.rules.shown import MOST_DEVICES, rules_body
from reelyard.rules.text import EXAMPLE
from reelyard.rules.zone import zone_of
from reelyard.states import TaskKind

ROOT = Path(__file__).parents[2]
NIGHTS = read_hours("Mon-Fri 19:00-07:00; Sat Sun", zone_of("Europe/Berlin"))


def problems(text: str) -> dict[str, Problem]:
    with pytest.raises(InvalidInput) as refused:
        parse(text)
    return {problem.field: problem for problem in refused.value.problems}


class TestDocument:
    def test_the_example_says_what_it_shows(self) -> None:
        rules = parse(EXAMPLE)
        assert (rules.timezone, rules.loads_per_storage, rules.preempt) == (
            *("Europe/Berlin", 2),
            True,
        )
        assert rules.owner("anna").weight == 2 and rules.owner("anna").max_waiting is None
        assert rules.owner("bob") == rules.default_owner and rules.owner("bob").max_waiting == 20000
        assert rules.group("film").max_running == 40 and rules.group("other").weight == 1
        assert rules.pools[0].hours == NIGHTS and rules.pools[0].power_cap == 0.7
        assert rules.tariff is not None and rules.tariff.periods[0][1] == 0.21
        assert (rules.tariff.patience_hours, rules.tariff.slack_power_cap) == (12, 0.85)

    def test_its_models_and_types_are_those_of_the_catalog(self) -> None:
        catalog = load_catalog()
        present = Present((), ("anna", "night shift", "lab-1"), catalog.models, catalog.devices)
        assert remarks(parse(EXAMPLE), present) == ()

    def test_the_page_s_documents_can_be_read(self) -> None:
        page = (ROOT / "docs/rules.md").read_text(encoding="utf-8")
        blocks = [part.partition("```")[0] for part in page.split("```toml\n")[1:]]
        assert EXAMPLE in blocks
        for block in blocks:
            parse(block)

    def test_an_empty_one_is_no_rules(self) -> None:
        assert parse("") == parse("# nothing\n") == no_rules()

    def test_names_with_dots_and_spaces(self) -> None:
        rules = parse('[owners."anna.b\'s laptop"]\nweight = 3\n[pools."a.b"]\n')
        assert rules.owner("anna.b's laptop").weight == 3 and rules.pools[0].id == "a.b"


class TestProblems:
    TEXT = """\
timezone = "Europe/Berln"
preempt = 1
colour = "red"
half_life_seconds = 5
[default_owner]
group = "filn"
[owners.anna]
weight = -1
wieght = 2
max_running = 2.5
[owners."bob s"]
weight = "2"
[groups.film]
weight = inf
[groups."bad name"]
[pools.night]
hours = "Sat, Sun 10:00-18:00"
power_cap = 0.1
nodes = ["a", ""]
types = "x"
tags = ["ok", "not ok"]
[[nodes]]
device = "x"
[[nodes]]
match = "y"
serves = ["video", "vidoe"]
[limits.x]
models = []
[[pins]]
[tariff]
price_per_kwh = -1
[[tariff.periods]]
hours = "22"
"""
    FOUND = (
        (1, "timezone", "is not a time zone", "Did you mean `Europe/Berlin`?"),
        (2, "preempt", "is neither true nor false", "Give true or false."),
        (3, "colour", "is not a field of the rules", "Take it out."),
        (4, "half_life_seconds", "is out of range", "Give seconds until use counts half."),
        (6, "default_owner.group", "is a group that has no table", "Did you mean `film`?"),
        (8, "owners.anna.weight", "is out of range", "Give a share"),
        (9, "owners.anna.wieght", "is not a field of the rules", "Did you mean `weight`?"),
        (10, "owners.anna.max_running", "is no whole number", "Give a whole number"),
        (12, "owners.bob s.weight", "is no number", "Give a share"),
        (14, "groups.film.weight", "is no number", "Give a share"),
        (15, "groups.bad name", "is no name", "Give it another name."),
        (17, "pools.night.hours", "may mean two things", "Write them like one of these."),
        (18, "pools.night.power_cap", "is out of range", "Give a share of the power limit"),
        (19, "pools.night.nodes[1]", "is empty", "Give a list of names"),
        (20, "pools.night.types", "is no list", "Give a list of types"),
        (21, "pools.night.tags[1]", "is no name", "Give a list of tags"),
        (22, "nodes[0].match", "is missing", "Give the name of a node"),
        (26, "nodes[1].serves[1]", "is no kind of task", "Correct it."),
        (27, "limits.x", "limits nothing", "Give `farm`, `per_node` or both."),
        (29, "pins[0].model", "is missing", "Give the id of a model."),
        (30, "tariff.currency", "is missing", "Give a currency"),
        (31, "tariff.price_per_kwh", "is out of range", "Give the price"),
        (32, "tariff.periods[0].price_per_kwh", "is missing", "Give the price"),
        (33, "tariff.periods[0].hours", "is no time such as", "Write them like one of these."),
    )

    def test_all_of_them_at_once_each_with_line_and_remedy(self) -> None:
        found = problems(self.TEXT)
        assert [(p.line, p.field) for p in found.values()] == [row[:2] for row in self.FOUND]
        for _, field, said, remedy in self.FOUND:
            assert said in found[field].message and remedy in found[field].remedy, field

    def test_values_and_limits_are_shown(self) -> None:
        found = problems(self.TEXT)
        shown = {name: (found[name].value, found[name].limit) for name in found}
        assert shown["owners.anna.weight"] == ("-1", "0.001 to 1000")
        assert shown["pools.night.power_cap"] == ("0.1", "0.3 to 1")
        assert shown["nodes[1].serves[1]"] == ("vidoe", "voice, video, compose")
        assert shown["owners.anna.wieght"][1] == "weight, group, max_running, max_waiting"

    @pytest.mark.parametrize(
        ("text", "field", "said", "line"),
        [
            ("a = 1\nb = [", "rules", "cannot be read as TOML", None),
            ("preempt = true\nx y\n", "rules", "cannot be read as TOML", 2),
            ("a=" + "[" * 100_000, "rules", "cannot be read as TOML", None),
            ("#" * (MOST_BYTES + 1), "rules", "are too long", None),
            ("owners = 3", "owners", "is no table", 1),
            ("[owners]\nanna = 2", "owners.anna", "is no table", 2),
            ("pools = []", "pools", "is no table", 1),
            ("nodes = {}", "nodes", "is no list", 1),
            ("nodes = [1]", "nodes[0]", "is no table", 1),
            ("owners.anna.weight = 0", "owners.anna.weight", "is out of range", 1),
            ('owners = {anna = {group = "x"}}', "owners.anna.group", "has no table", 1),
            ("".join(f"[pools.p{n}]\n" for n in range(201)), "pools", "too many entries", 1),
            (f'timezone = "{"x" * 81}"', "timezone", "is too long", 1),
            (f'[owners."{"x" * 101}"]', f"owners.{'x' * 101}", "is too long", 1),
        ],
    )
    def test_one_of_a_kind(self, text: str, field: str, said: str, line: int | None) -> None:
        found = problems(text)
        assert said in found[field].message and found[field].line == line

    def test_a_thousand_problems_are_not_all_told(self) -> None:
        assert len(problems("".join(f"x{n} = 1\n" for n in range(1000)))) == 100

    def test_a_large_document_is_read_quickly(self) -> None:
        text = "".join(
            f'[pools.p{n}]\nnodes = ["n{n}-*"]\nhours = "Mon-Fri 19:00-07:00"\n' for n in range(200)
        ) + "".join(f"[owners.o{n}]\nweight = 2\n" for n in range(1000))
        began = time.process_time()
        assert len(parse(text).pools) == 200
        assert time.process_time() - began < 5


class TestAbout:
    RULES = parse("""
[pools.desks]
nodes = ["desk-*"]
hours = "19:00-07:00"
power_cap = 0.7
[pools.big]
types = ["h100-*"]
owners = ["anna", "lab-*"]
power_cap = 0.5
[pools.fast]
tags = ["nvme", "big"]
[[nodes]]
match = "desk-1"
device = "cuda:0"
hours = "Sat Sun"
tags = ["big"]
serves = ["video", "voice"]
[[nodes]]
match = "w-*"
serves = ["voice"]
[limits.licence]
models = ["wan*"]
owners = ["anna"]
farm = 2
[limits.storage]
kinds = ["video"]
per_node = 1
""")

    def pools(self, node: str, worker: str, type: str, *tags: str) -> list[str]:
        return [pool.id for pool in self.RULES.pools_of(node, worker, type, tags)]

    def test_pools_by_node_worker_type_and_tags(self) -> None:
        assert self.pools("desk-1", "w-1", "rtx-4090") == ["desks"]
        assert self.pools("other", "desk-7", "h100-sxm") == ["desks", "big"]
        assert self.pools("Desk-1", "w", "l40s") == []
        assert self.pools("n", "w", "l40s", "nvme", "big", "more") == ["fast"]
        assert self.pools("n", "w", "l40s", "nvme") == []

    def test_tags_come_to_those_of_the_worker(self) -> None:
        assert self.RULES.tags_of("desk-1", "w", "cuda:0", ["nvme"]) == {"nvme", "big"}
        assert self.RULES.tags_of("desk-1", "w", "cuda:1", ["nvme"]) == {"nvme"}

    def test_hours_are_those_that_all_have_in_common(self) -> None:
        hours = self.RULES.hours_of("desk-1", "w", "cuda:0", "l40s", ())
        assert hours.sentence() == "Sat 00:00-07:00 19:00-07:00; Sun 19:00-24:00"
        assert self.RULES.hours_of("n", "w", "cuda:0", "l40s", ()) is ALWAYS
        never = replace(self.RULES, pools=(Pool("a", hours=NEVER), *self.RULES.pools))
        assert never.hours_of("desk-1", "w", "cuda:0", "l40s", ()) == NEVER

    def test_what_a_device_serves(self) -> None:
        every = frozenset(TaskKind)
        assert self.RULES.serves("n", "w", "cpu") == every
        assert self.RULES.serves("desk-1", "w", "cuda:0") == every - {TaskKind.COMPOSE}
        assert self.RULES.serves("desk-1", "w-1", "cuda:0") == {TaskKind.VOICE}

    def test_limits_by_model_owner_and_kind(self) -> None:
        def held(model: str, owner: str, kind: TaskKind) -> list[str]:
            return [limit.id for limit in self.RULES.limits_of(model, owner, kind)]

        assert held("wan2.1", "anna", TaskKind.VIDEO) == ["licence", "storage"]
        assert held("wan2.1", "bob", TaskKind.VOICE) == []
        assert held("heart", "anna", TaskKind.VIDEO) == ["storage"]

    def test_who_may_use_a_device(self) -> None:
        desks, big, _ = self.RULES.pools
        other = Pool("other", owners=("bob",))
        assert admitted("bob", ()) and admitted("bob", (desks,))
        assert admitted("lab-3", (desks, big)) and not admitted("bob", (desks, big))
        assert admitted("bob", (big, other)) and admitted("anna", (big, other))

    def test_the_lowest_cap_counts(self) -> None:
        assert power_cap(self.RULES.pools) == 0.5 and power_cap(()) is None

    def test_pins(self) -> None:
        rules = parse('[[pins]]\nmodel = "m"\nnodes = ["a*"]\ntypes = ["l40s"]\n')
        (pin,) = rules.pins
        assert pin.wants("atlas", "w", "l40s") and pin.wants("n", "a", "l40s")
        assert not pin.wants("atlas", "w", "h100-sxm") and not pin.wants("b", "b", "l40s")


class TestChanges:
    def test_each_in_its_own_words(self) -> None:
        before = parse(EXAMPLE)
        after = parse(
            EXAMPLE.replace("weight = 2 ", "weight = 4 ")
            .replace("preempt = true", "preempt = false")
            .replace("22:00-06:00", "23:00-06:00")
            .replace('match = "atlas"', 'match = "zeus"')
            .replace("[pools.desks]", "[pools.tables]")
            .replace("power_cap = 0.7", "")
        )
        assert changes(before, after) == (
            "preempt is off (was on)",
            "owner anna: weight is 4 (was 2)",
            "pool desks is gone",
            "pool tables is new",
            "node rule 1 (zeus): match is zeus (was atlas)",
            "the tariff: periods is 23:00-06:00, 0.21 (was 22:00-06:00, 0.21)",
        )
        assert changes(before, before) == () and changes_sentence(before, before)

    def test_what_follows_from_prices(self) -> None:
        bare = '[tariff]\ncurrency = "EUR"\nprice_per_kwh = 0.3\n'
        more = f"{bare}patience_hours = 12\nslack_power_cap = 0.85\n"
        before, after = parse(bare), parse(more)
        assert before.tariff is not None and before.tariff.patience_hours == 0
        assert before.tariff.slack_power_cap is None
        assert changes(before, after) == (
            "the tariff: patience_hours is 12 (was none), slack_power_cap is 0.85 (was none)",
        )
        found = problems(f"{bare}patience_hours = 200\nslack_power_cap = 0.2\n")
        shown = [(p.field, p.line, p.value, p.limit) for p in found.values()]
        assert shown == [
            ("tariff.patience_hours", 4, "200", "0 to 168"),
            ("tariff.slack_power_cap", 5, "0.2", "0.3 to 1"),
        ]

    def test_a_sentence_ends(self) -> None:
        said = changes_sentence(no_rules(), parse(EXAMPLE))
        count = len(changes(no_rules(), parse(EXAMPLE)))
        assert said.endswith(f"; and {count - MOST_SAID} more")

    def test_without_a_farm(self) -> None:
        found = check_alone("[owners.anna]\nweight = 2")
        assert found.changes == ["owner anna is new"] and not found.problems
        (item,) = check_alone("x = 1").problems
        assert (item.field, item.line) == ("x", 1)


class TestRemarks:
    PLACES = (
        Place("desk-1", "w", "cuda:0", "rtx-4090", frozenset({"nvme"})),
        Place("desk-1", "w", "cpu", "cpu"),
    )
    PRESENT = Present(PLACES, ("anna",), ("wan2.1",), ("rtx-4090", "cpu"))

    def said(self, text: str, present: Present = PRESENT) -> list[str]:
        return list(remarks(parse(text), present))

    def test_names_that_nothing_has(self) -> None:
        assert self.said("""
[owners.bob]
[pools.a]
types = ["rtx-*", "h9000"]
owners = ["an*", "eve"]
[[pins]]
model = "wan9"
[limits.l]
models = ["wan*", "sora"]
farm = 1
""") == [
            "pins[0].model: 'wan9' is no model of the catalog",
            "limits.l.models: 'sora' is no model of the catalog",
            "pools.a.types: 'h9000' is no type of device of the catalog",
            "owners.bob: no token has the name 'bob'",
            "pools.a.owners: 'eve' is no name on a token",
        ]

    def test_devices_that_never_work(self) -> None:
        text = '[pools.a]\nhours = "Mon"\n[pools.b]\nhours = "Tue"\ntypes = ["cpu"]\n'
        text += '[[nodes]]\nmatch = "w"\ndevice = "cuda*"\nserves = ["video"]\n'
        text += '[[nodes]]\nmatch = "w"\ndevice = "cuda*"\nserves = ["voice"]\n'
        first, second = self.said(text)
        assert first.startswith("cuda:0 of w serves nothing")
        assert second.startswith("cpu of w never works")

    def test_thrift_that_changes_nothing(self) -> None:
        text = '[tariff]\ncurrency = "EUR"\nprice_per_kwh = 0.3\npatience_hours = 12\n'
        text += "slack_power_cap = 0.8\n"
        only_cpu = replace(self.PRESENT, places=self.PLACES[1:])
        assert self.said(text, only_cpu) == [
            "tariff.patience_hours: nothing waits, as every hour costs the same",
            "tariff.slack_power_cap: no device of this farm has a power limit that can be set",
        ]
        text += '[[tariff.periods]]\nhours = "22:00-06:00"\nprice_per_kwh = 0.2\n'
        assert self.said(text) == []

    def test_pools_and_rules_of_nothing(self) -> None:
        text = '[pools.a]\nnodes = ["x"]\n[[nodes]]\nmatch = "y"\n'
        assert self.said(text) == [
            "pools.a: no device of this farm is in it now",
            "nodes[0]: no device of this farm is y now",
        ]
        assert self.said(text, replace(self.PRESENT, places=())) == []

    def test_ten_thousand_devices_are_counted_not_listed(self) -> None:
        places = [Place(f"n{n // 8}", f"n{n // 8}", f"cuda:{n % 8}", "l40s") for n in range(10_000)]
        rules = parse("".join(f'[pools.p{n}]\nnodes = ["n{n}*"]\n' for n in range(10)))
        began = time.process_time()
        body = rules_body(rules, 0, places)
        remarks(rules, replace(self.PRESENT, places=places))
        assert time.process_time() - began < 3
        assert sum(pool.device_count for pool in body.pools) == 10_000
        assert len(body.pools[1].devices) == MOST_DEVICES

    def test_what_a_pool_holds_now_is_shown(self) -> None:
        rules = parse(
            '[pools.a]\ntags = ["nvme"]\nhours = "22:00-06:00"\n[tariff]\n'
            'currency = "EUR"\nprice_per_kwh = 0.3\n'
        )
        body = rules_body(rules, 22.5 * 3600, self.PLACES)
        (pool,) = body.pools
        assert pool.devices == ["cuda:0 of w"] and pool.device_count == 1 and pool.hours.is_open
        assert pool.hours.changes_at is not None
        assert pool.hours.changes_at.timestamp() == 30 * 3600
        assert body.tariff is not None and body.tariff.price_now == 0.3
        assert rules_body(Rules(), 0).pools == []
