#!/usr/bin/env python3
"""Compares OpenMRS databases row by row and column by column, in terms that do not depend on local integer ids.

    compare.py URL URL...      URL: mysql://user:password@host:port/database, or ...@localhost/database?socket=PATH

Rows are matched by uuid (or by natural key where a table has none), local integer ids are resolved to the uuids of what
they refer to, also inside person attributes whose type says that the text is an id. Every table and column counts, but
for the list below of what never travels. The list is this judge's own, so that an exclusion too many in the product is
seen. Ends with 1 when anything differs; values are printed with --reveal only.
"""
import argparse
import fnmatch
import hashlib
import sys
import threading
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from mysql import Connection, quote  # noqa: E402

# Credentials and per-site machinery (D18).
NEVER = ['users.password', 'users.salt', 'users.secret_question', 'users.secret_answer', 'users.activation_key',
         'liquibasechangelog*', 'scheduler_*', 'hl7_in_*', 'notification_*', 'concept_word', 'concept_set_derived', 'idgen_*',
         'event_records*', 'chunking_history', 'failed_event*', 'markers', 'global_property']
NEVER_ROWS = {'user_property': "property NOT IN ('lockoutTimestamp','loginAttempts','lastLoginTimestamp','forgotPassword',"
                               "'resetPasswordToken')"}

# Tables known by other columns than their uuid.
NATURAL = {
    'role': ['role'], 'privilege': ['privilege'], 'global_property': ['property'], 'user_property': ['user_id', 'property'],
    'user_role': ['user_id', 'role'], 'role_role': ['parent_role', 'child_role'], 'role_privilege': ['role', 'privilege'],
    'location_tag_map': ['location_id', 'location_tag_id'], 'order_type_class_map': ['order_type_id', 'concept_class_id'],
    'concept_stop_word': ['word', 'locale'], 'concept_state_conversion': ['program_workflow_id', 'concept_id'],
    'drug_ingredient': ['drug_id', 'ingredient_id'], 'field_answer': ['field_id', 'answer_id'], 'form_resource': ['form_id', 'name'],
}
# Integer columns of these names refer to users, foreign key or not.
PEOPLE = ('creator', 'changed_by', 'voided_by', 'retired_by')
CLASSES = {
    'Cohort': 'cohort', 'Concept': 'concept', 'ConceptClass': 'concept_class', 'ConceptDatatype': 'concept_datatype',
    'ConceptSource': 'concept_reference_source', 'Drug': 'drug', 'Encounter': 'encounter', 'EncounterType': 'encounter_type',
    'Field': 'field', 'Form': 'form', 'Location': 'location', 'Obs': 'obs', 'Order': 'orders', 'OrderType': 'order_type',
    'Patient': 'patient', 'PatientIdentifierType': 'patient_identifier_type', 'Person': 'person',
    'PersonAttributeType': 'person_attribute_type', 'Program': 'program', 'ProgramWorkflow': 'program_workflow',
    'ProgramWorkflowState': 'program_workflow_state', 'Provider': 'provider', 'RelationshipType': 'relationship_type',
    'User': 'users', 'Visit': 'visit', 'VisitType': 'visit_type'}
BINARY = ('blob', 'binary', 'bit', 'geometry', 'point')


def excluded(table, column=None):
    name = table if column is None else f'{table}.{column}'
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in NEVER)


class Database:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        query = dict(urllib.parse.parse_qsl(parts.query))
        self.name, self.schema = url.split('@')[-1], parts.path.strip('/')
        self.at = dict(user=urllib.parse.unquote(parts.username or 'root'), password=urllib.parse.unquote(parts.password or ''),
                       database=self.schema, host=parts.hostname or '127.0.0.1', port=parts.port or 3306, unix=query.get('socket'))
        self.connection = Connection(**self.at)
        self.connection.query("SET SESSION time_zone = '+00:00', sql_mode = '', join_cache_level = 0, net_write_timeout = 600")
        self.connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT')
        self._read_shape()

    def _read_shape(self):
        self.columns, self.key, self.targets = {}, {}, {}
        where = f'table_schema = {quote(self.schema)}'
        for table, column, kind in self.connection.query(
                f'SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c JOIN information_schema.tables t USING '
                f"(table_schema, table_name) WHERE c.{where} AND t.table_type = 'BASE TABLE' ORDER BY c.table_name, ordinal_position"):
            self.columns.setdefault(table, {})[column] = kind
        for table, column, name, target in self.connection.query(
                f'SELECT table_name, column_name, constraint_name, referenced_table_name FROM information_schema.key_column_usage '
                f'WHERE {where} ORDER BY ordinal_position'):
            if target:
                self.targets[table, column] = target
            elif name == 'PRIMARY':
                self.key.setdefault(table, []).append(column)
        owners = {}
        for table, key in self.key.items():
            if len(key) == 1 and (table, key[0]) not in self.targets:
                owners.setdefault(key[0], []).append(table)
        for table, columns in self.columns.items():
            for column, kind in columns.items():
                if (table, column) in self.targets or 'int' not in kind:
                    continue
                if column in PEOPLE and 'users' in self.columns:
                    self.targets[table, column] = 'users'
                elif len(owners.get(column, [])) == 1 and owners[column] != [table]:
                    self.targets[table, column] = owners[column][0]

    def tables(self):
        return [t for t in self.columns if not excluded(t)]

    def by_uuid(self, table):
        return 'uuid' in self.columns[table] and table not in NATURAL


class Reading:
    """The SELECT that turns a table's rows into (key, fields) in terms that hold everywhere."""

    def __init__(self, database, table):
        self.database, self.table, self.joins, self.count = database, table, [], 0
        self.formats = None
        columns = database.columns[table]
        natural = NATURAL.get(table)
        if database.by_uuid(table):
            self.key_sql = 'LOWER(a.uuid)'
            skipped = set(database.key.get(table, [])) if not any((table, c) in database.targets for c in database.key.get(table, [])) \
                else set()
        else:
            keys = natural or database.key.get(table) or list(columns)
            self.key_sql = "CONCAT_WS('|'," + ','.join(f'LOWER(RTRIM({self.field(c)}))' for c in keys) + ')'
            skipped = set() if keys == database.key.get(table) or not database.key.get(table) else {
                c for c in database.key[table] if (table, c) not in database.targets and c not in keys}
        self.names = [c for c in columns if c not in skipped and not excluded(table, c)]

    def sql(self, only=None):
        fields = ','.join(f"IFNULL({self.field(c)},0x004E)" for c in self.names)
        text = (f"SELECT {self.key_sql} AS k, CONCAT_WS(0x1F,{fields}) AS v FROM `{self.table}` a {' '.join(self.joins)} "
                f"WHERE {NEVER_ROWS.get(self.table, '1')}")
        return text if only is None else f'SELECT k, v FROM ({text}) q WHERE k IN ({",".join(only)})'

    def field(self, column):
        target = self.database.targets.get((self.table, column))
        if target:
            return self.reference(f'a.`{column}`', target)
        if (self.table, column) in (('person_attribute', 'value'), ('person_attribute_type', 'foreign_key')):
            return self.embedded(column)
        kind = self.database.columns[self.table][column]
        if any(kind.endswith(b) or kind == b for b in BINARY):
            return f'HEX(a.`{column}`)'
        if 'text' in kind or 'char' in kind or kind in ('enum', 'set', 'json'):
            return f'CONVERT(a.`{column}` USING utf8mb4)'
        return f'a.`{column}`'

    def join(self, target, on):
        self.count += 1
        alias = f'r{self.count}'
        self.joins.append(f'LEFT JOIN `{target}` {alias} ON {on.format(alias)}')
        return alias

    def reference(self, value, target):
        database = self.database
        if target in NATURAL and len(NATURAL[target]) == 1:
            return f'CONVERT({value} USING utf8mb4)'
        key = database.key[target][0]
        if database.by_uuid(target):
            alias = self.join(target, f'{{}}.`{key}` = {value}')
            return f"IF({value} IS NULL, NULL, IFNULL(LOWER({alias}.uuid), CONCAT('?', {value})))"
        onward = database.targets.get((target, key))
        return self.reference(value, onward) if onward else value

    def embedded(self, column):
        if self.table == 'person_attribute':
            kind = self.join('person_attribute_type', '{}.person_attribute_type_id = a.person_attribute_type_id') + '.format'
        else:
            kind = 'a.format'
        if self.formats is None:
            self.formats = [f for f, in self.database.connection.query(
                'SELECT DISTINCT format FROM person_attribute_type WHERE format IS NOT NULL') if f.startswith('org.openmrs.')]
        plain, cases = f'a.`{column}`', ''
        for name in self.formats:
            target = CLASSES.get(name.rsplit('.', 1)[-1])
            if target in self.database.columns:
                number = f"IF({kind} = '{name}' AND {plain} REGEXP '^[0-9]+$', CAST({plain} AS UNSIGNED), NULL)"
                cases += f"WHEN {kind} = '{name}' THEN IFNULL({self.reference(number, target)}, {plain}) "
        return f'CASE {cases}ELSE {plain} END' if cases else plain


def digest(value):
    return hashlib.blake2b(value or b'', digest_size=12).digest()


def read_rows(reading, out):
    """key -> digest; rows of equal key are told apart by how often each stands there."""
    def take(row):
        key, value = row[0] or b'NULL', digest(row[1])
        if key in out:
            value = digest(bytes(sorted(out[key] + b'+' + value)))
        out[key] = value
    reading.database.connection.each(reading.sql(), take)


def fields_of(reading, keys):
    found = {}
    only = [quote(k.decode('utf-8', 'surrogateescape')) for k in keys]
    reading.database.connection.each(reading.sql(only), lambda row: found.setdefault(row[0], row[1].split(b'\x1f')))
    return found


def show(value, reveal):
    if value is None or value == b'\0N':
        return 'NULL'
    return value.decode('utf-8', 'replace') if reveal else f'({len(value)} bytes, {digest(value).hex()[:8]})'


def differences(left, right, rows_left, rows_right, reveal, most):
    """Lines about one table of two databases; the first is how many rows differ."""
    table = left.table
    missing = [k for k in rows_left if k not in rows_right]
    extra = [k for k in rows_right if k not in rows_left]
    changed = [k for k, v in rows_left.items() if rows_right.get(k, v) != v]
    if not (missing or extra or changed):
        return []
    name = lambda k: k.decode('utf-8', 'replace')  # noqa: E731
    where = right.database.name
    lines = [f'{table}: {len(missing)} missing, {len(extra)} too many, {len(changed)} different at {where}']
    lines += [f'  {table} {name(k)}: not at {where}' for k in missing[:most]]
    lines += [f'  {table} {name(k)}: only at {where}' for k in extra[:most]]
    if changed:
        a, b = fields_of(left, changed[:most]), fields_of(right, changed[:most])
        for key in changed[:most]:
            one, two = dict(zip(left.names, a.get(key, []))), dict(zip(right.names, b.get(key, [])))
            for column in dict.fromkeys([*one, *two]):
                if one.get(column) != two.get(column):
                    lines.append(f'  {table}.{column} {name(key)}: {show(one.get(column), reveal)} / {show(two.get(column), reveal)}')
    return lines


def compare(databases, reveal=False, most=5, ignore=()):
    """Lines that tell the differences between the first database and each other one; none when they are equal. Also how
    many rows were compared."""
    lines, rows = [], 0
    every = list(dict.fromkeys(t for d in databases for t in d.tables()))
    for table in every:
        if any(fnmatch.fnmatchcase(table, i) for i in ignore):
            continue
        absent = [d.name for d in databases if table not in d.columns]
        if absent:
            lines.append(f'{table}: there is no such table at {", ".join(absent)}')
            continue
        readings = [Reading(d, table) for d in databases]
        for reading in readings:
            reading.names = [c for c in reading.names if not any(fnmatch.fnmatchcase(f'{table}.{c}', i) for i in ignore)]
        found = [{} for _ in readings]
        threads = [threading.Thread(target=read_rows, args=(r, f)) for r, f in zip(readings, found)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows += len(found[0])
        for reading, content in zip(readings[1:], found[1:]):
            lines += differences(readings[0], reading, found[0], content, reveal, most)
    return lines, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('urls', nargs='+', metavar='URL')
    parser.add_argument('--reveal', action='store_true', help='print the values that differ')
    parser.add_argument('--most', type=int, default=5, help='how many differences of a kind to print for a table')
    parser.add_argument('--ignore', action='append', default=[], metavar='TABLE[.COLUMN]', help='leave this out; * is allowed')
    given = parser.parse_args()
    if len(given.urls) < 2:
        parser.error('at least two databases')
    databases = [Database(url) for url in given.urls]
    lines, rows = compare(databases, given.reveal, given.most, given.ignore)
    for line in lines:
        print(line)
    print(f'{rows} rows of {len(databases[0].tables())} tables: ' + ('they differ' if lines else 'equal at ' + ', '.join(
        d.name for d in databases)))
    return 1 if lines else 0


if __name__ == '__main__':
    sys.exit(main())
