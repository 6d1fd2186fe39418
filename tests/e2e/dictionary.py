#!/usr/bin/env python3
"""A clinic that loads the parent's dictionary does not make the parent's log grow: the end of the log is the same before and
after, and what the clinic has of its own moves it by one a root, whatever else it brought."""
import sys

from harness import arguments, audits_whole, check, play, same_everywhere, say, settle


def scenario(scene):
    dictionary = scene.source.data('KIT', 3)
    hq = scene.parent(before=dictionary).serve().await_running()
    first = scene.child(hq, 'kitale', fill=dictionary).serve().await_running()
    settle(hq, [first])
    end, roots = hq.counter('log_end'), int(hq.value('SELECT COUNT(*) FROM obs'))
    check(roots > 0, 'there is nothing to load')
    check(end == 0, f'a copy of what the parent has made its log {end} long')
    say("a copy of the parent's database: the log did not grow")
    # The parent itself changes what it has, so that there is a log; then another one comes with the old copy of everything.
    hq.sql("UPDATE location SET description = 'moved' WHERE location_id = (SELECT MAX(location_id) FROM location)")
    settle(hq, [first])
    end = hq.counter('log_end')
    check(end == 1, f'one change made the log {end} long')
    second = scene.child(hq, 'lodwar', fill=dictionary).serve().await_running()
    settle(hq, [first, second])
    same_everywhere([first, hq, second], reveal=scene.given.reveal)
    grown = hq.counter('log_end') - end
    # The old value of the one row that differs is the parent's to decide, and told to all.
    check(grown <= 1, f'the log grew by {grown}')
    say(f'a second copy, one row of it old: the log grew by {grown}')
    second.sql("UPDATE person SET gender = 'O' ORDER BY person_id DESC LIMIT 2")
    settle(hq, [first, second])
    more = hq.counter('log_end') - end - grown
    check(more == 2, f'two changed persons made the log {more} longer')
    same_everywhere([first, hq, second], reveal=scene.given.reveal)
    audits_whole([hq, first, second])


if __name__ == '__main__':
    sys.exit(play("a clinic that brings the parent's dictionary", scenario, arguments(__doc__)))
