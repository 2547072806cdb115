"""The document that people start from. A test reads it as any other."""

from __future__ import annotations

EXAMPLE = """\
# The house rules of this farm: whose turn it is, where, and when.
# Every line may be left out. `reelyard rules check FILE` says what is wrong with it,
# `reelyard rules set FILE` puts it in force.

timezone = "Europe/Berlin"      # of every time below
age_seconds_per_band = 3600     # waiting so long lifts a task by one band
minimum_run_seconds = 300       # so long a run is left alone before another may take its device
loads_per_storage = 2           # models read from one storage at the same time
half_life_seconds = 86400       # what somebody has used counts half after a day
preempt = true                  # may a run be stopped for a more urgent one?

# Who gets how much. An owner is the name on a token. Numbers are tasks; left out: any number.
[default_owner]
weight = 1
max_waiting = 20000

[owners.anna]
weight = 2                      # twice the share of others
group = "film"

[owners."night shift"]
weight = 1
group = "film"
max_running = 8

# Groups share first, then the owners in each.
[groups.film]
weight = 3
max_running = 40

# Devices that belong together. What is left out asks nothing.
[pools.desks]
nodes = ["desk-*"]              # nodes or workers; * stands for anything
hours = "Mon-Fri 19:00-07:00; Sat Sun"
power_cap = 0.7                 # of the power limit

[pools.big]
types = ["h100-*", "h200"]
owners = ["anna", "lab-*"]      # nobody else may use them

# About one node, or some of its devices.
[[nodes]]
match = "atlas"
device = "cuda:0"
serves = ["video"]              # voice, video, compose
tags = ["licensed"]

# What there is only so much of: a task holds one while it runs.
[limits.studio-licence]
models = ["wan2.2-*"]
farm = 5

[limits.model-storage]
kinds = ["video"]
per_node = 2

# Models that should stay in memory.
[[pins]]
model = "wan2.1-t2v-1.3b"
types = ["rtx-4090"]

# What a kilowatt-hour costs. Batch work waits for cheap hours when its deadline allows it.
[tariff]
currency = "EUR"
price_per_kwh = 0.32
patience_hours = 12             # after it was queued; left out: nothing waits for a price
slack_power_cap = 0.85          # of the power limit, for work that has time

[[tariff.periods]]
hours = "22:00-06:00"
price_per_kwh = 0.21
"""
