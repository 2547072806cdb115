"""The yard: lines of alike waiting tasks, devices, and who goes where next. The same code decides
for a living farm and in the simulator.

Pure: it is told what happened and when, and answers with decisions. It reads no clock and no
database, and can be built anew from either at any time.
"""
