"""A whole farm in processes for `bench.dispatch`: everything is the real thing but the steps, which
do nothing, and the devices, which are pretended.
"""
