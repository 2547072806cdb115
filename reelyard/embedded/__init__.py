"""The farm on one machine: broker, coordinator, API, worker, dashboard as processes of one parent.

Starts programs and watches them; it never does their work and imports none of them.
"""
