#!/usr/bin/env python3
"""One UPDATE over a great many obs arrives, and the child stays small."""
import sys

from harness import arguments, check, play, same_everywhere, say, settle

MOST_MB = 40


def scenario(scene):
    rows = 200_000 if scene.given.long else 10_000
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 5))
    have, made = int(a.value('SELECT COUNT(*) FROM obs')), 0
    columns = [c for c, in a.sql("SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'obs' "
                                 "AND column_name NOT IN ('obs_id', 'uuid', 'obs_group_id', 'previous_version')")]
    while have + made < rows:
        names = ', '.join(columns)
        some = min(have, rows - have - made)
        a.sql(f'INSERT INTO obs ({names}, uuid) SELECT {names}, UUID() FROM obs WHERE obs_group_id IS NULL AND previous_version IS NULL '
              f'LIMIT {some}')
        made = int(a.value('SELECT COUNT(*) FROM obs')) - have
    a.serve().await_running()
    settle(hq, [a], 3000)
    say(f'{rows} obs loaded, the child had {a.memory():.1f} MB at most')
    a.stop()
    a.serve().await_running()
    a.sync()
    a.sql("UPDATE obs SET comments = 'x'")
    say('updated')
    settle(hq, [a], 3000)
    most = a.memory()
    say(f'arrived; the child had {most:.1f} MB at most')
    check(hq.value("SELECT COUNT(*) FROM obs WHERE comments = 'x'") == a.value('SELECT COUNT(*) FROM obs'), 'not every row arrived')
    same_everywhere([a, hq])
    check(most <= MOST_MB, f'the child took {most:.1f} MB, more than {MOST_MB}')


if __name__ == '__main__':
    sys.exit(play('a big update', scenario, arguments(__doc__)))
