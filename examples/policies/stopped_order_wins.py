#!/usr/bin/python3 -I
"""A conflict policy as a program: of two versions of an order's end, the earlier one wins, because a drug that was stopped
must not go on by accident.

The node starts the program once a conflict, writes the question to standard input and reads the answer from standard
output. It gives it five seconds and 64 KiB. A program that fails in any way decides nothing: the conflict stays open and
says why.

The question:
  {"schema": "omrsync/policy-question/1", "conflict": "...", "type": "orders", "table": "orders", "resource": "UUID",
   "group": "stopped", "base": null or {"column": "text"},
   "sides": [{"site": "kitale", "depth": 1, "at_ms": 0, "error_ms": 0, "clock_trusted": false, "shown": true,
              "value": {"date_stopped": "2026-05-18T06:30:00"}}, ...]}
A value is null where that side removed the row. depth counts steps from the deciding node to the one that wrote.

The answer is one of
  {"take": 0, "why": "one sentence without patient data"}     the side at that place
  {"value": {"column": "text"}, "why": "..."}                 laid over what is shown; null empties a column
  {"manual": "why"}                                           a person decides
"""
import json
import sys


def answer(question):
    sides = question['sides']
    ends = {}
    for place, side in enumerate(sides):
        if side['value'] is None:
            return {'manual': 'a side removed the order'}
        end = side['value'].get('date_stopped')
        if end:
            ends[place] = end
    if not ends:
        return {'manual': 'no side has stopped the order'}
    first = min(ends, key=ends.get)
    return {'take': first, 'why': 'the earliest stop of the order counts'}


if __name__ == '__main__':
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
