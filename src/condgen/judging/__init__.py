"""Measuring generators. Pictures and labels in, numbers beside those of real pictures out; nobody here knows a system.

classifier.py   the network of judges and pupils
judge.py        pinned, or trained once       weights/   the pinned ones
reference.py    real pictures as a judge sees them
protocol.py     condgen-eval/1: which numbers, of which pictures, how
verdict.py      all of them as JSON
faults.py       known faults, and who notices them
outside.py      pictures made by any tool
monitor.py      small evaluations while training, and alarms
walks.py  inception.py
"""
