"""What a run will need, before it runs: pure functions over the catalog.

`shape` counts what is asked, `weights` and `memory` say where the bytes are, `rates` what a device
sustains, `duration` how long, `energy` at what power; `forecast` puts them together for one plan,
`plans` finds the plan, `lessons` corrects by what was measured, `ask` answers questions.
"""
