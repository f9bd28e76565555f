"""docs/cri-coverage.md against CRI and against the tests that it names: no field is missing, and a row that lies fails.

Of CRI this reads proto/cri-runtime-v1.tsv, which unit.proto.descriptor holds against what is compiled, both ways.
"""

import os
import re
import unittest

from cited_tests import UnknownTest, cited
from test_budgets import SOURCE, tracked

TABLE = "docs/cri-coverage.md"
# Fields that are said to be honoured or answered while no test looks at the effect. Only ever lowered.
UNTESTED = 0

CALL_ANSWERS = re.compile(r"answered|not yet \(issue \d+\)")
FIELD_ANSWERS = re.compile(r"honoured|answered|ignored|not yet \(issue \d+\)|refused ([A-Z_]+) `([A-Za-z_.]+)`")
CODES = {"INVALID_ARGUMENT", "PERMISSION_DENIED", "FAILED_PRECONDITION", "NOT_FOUND", "UNIMPLEMENTED"}
HEADINGS = ("call", "field")


class Cri:
    """The calls and messages of CRI: {call: (request, response)}, {message: {field: message or None}}."""

    def __init__(self):
        self.calls, self.messages = {}, {}
        with open(os.path.join(SOURCE, "proto/cri-runtime-v1.tsv")) as file:
            for line in file:
                kind, owner, name, first, second = (line.rstrip("\n").split("\t") + [""] * 5)[:5]
                if kind == "rpc":
                    self.calls[name] = first, second.removeprefix("stream ")
                elif kind == "field":
                    self.messages.setdefault(owner, {})[name] = second.removeprefix("repeated ")

    def below(self, roots):
        """The messages that these messages consist of, themselves included."""
        found, left = set(), list(roots)
        while left:
            message = left.pop()
            if message in self.messages and message not in found:
                found.add(message)
                left += self.messages[message].values()
        return found

    def at(self, names):
        """The (message, field) pairs that this path can lead to, from any request on."""
        ends = []
        for owner, _ in self.calls.values():
            for name in names[:-1]:
                owner = self.messages.get(owner, {}).get(name)
            if names[-1] in self.messages.get(owner, {}):
                ends.append((owner, names[-1]))
        return ends


class Row:
    def __init__(self, number, owner, cells):
        self.number, self.owner = number, owner  # owner: a message, or None for a call
        self.name, self.answer, self.meaning, tests = cells
        self.name = self.name.strip("`")
        self.tests = [] if tests == "-" else [test.strip("`") for test in tests.split(", ")]

    def __str__(self):
        return f"{TABLE}:{self.number}: {self.owner + '.' if self.owner else ''}{self.name}"

    @property
    def word(self):
        return " ".join(self.answer.split()[:2]) if self.answer.startswith("not yet") else self.answer.split(" ")[0]

    @property
    def refusal(self):
        """(code, path) of a row that says `refused`."""
        return re.fullmatch(FIELD_ANSWERS, self.answer).groups()


def page():
    with open(os.path.join(SOURCE, TABLE)) as file:
        return file.read()


def read_table(text):
    rows, owner = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("### "):
            owner = line[4:].strip()
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) != 4:
                raise AssertionError(f"{TABLE}:{number}: {len(cells)} columns")
            if cells[0] not in HEADINGS and not cells[0].startswith("---"):
                rows.append(Row(number, owner, cells))
    return rows


def frontend_source():
    text = []
    for name in tracked():
        if re.match(r"daemons/cri-frontend/.*\.(cc|h)$", name) and not re.search(r"_test\.cc$|/tests/", name):
            with open(os.path.join(SOURCE, name)) as file:
                text.append(file.read())
    return "\n".join(text)


class CriCoverage(unittest.TestCase):
    def setUp(self):
        self.read(page())

    def read(self, text):
        self.cri, self.rows = Cri(), read_table(text)
        self.calls = [row for row in self.rows if row.owner is None]
        self.fields = [row for row in self.rows if row.owner is not None]

    def expect(self, wrong):
        if wrong:
            self.fail("\n  " + "\n  ".join(wrong))

    def test_everything_has_one_row(self):
        expected = sorted(self.cri.calls) + sorted(f"{m}.{f}" for m, fields in self.cri.messages.items() for f in fields)
        named = [row.name if row.owner is None else f"{row.owner}.{row.name}" for row in self.rows]
        self.assertEqual(len(expected), 43 + 478)
        self.expect([f"{name} has no row" for name in expected if name not in named]
                    + [f"{row} is not in CRI" for row, name in zip(self.rows, named) if name not in expected]
                    + [f"{row} has a second row" for row, name in zip(self.rows, named) if named.count(name) > 1])

    def test_answers_are_of_the_allowed_words(self):
        wrong = []
        for row in self.rows:
            match = re.fullmatch(CALL_ANSWERS if row.owner is None else FIELD_ANSWERS, row.answer)
            if not match:
                wrong.append(f"{row}: '{row.answer}' is no answer")
            elif row.word == "refused" and match[1] not in CODES:
                wrong.append(f"{row}: {match[1]} is no code")
            elif row.word in ("ignored", "not yet") and not row.meaning:
                wrong.append(f"{row}: {row.word} needs a reason")
        self.expect(wrong)

    def test_what_is_said_can_be_so(self):
        """Requests are honoured or refused, responses answered, and both only in calls that are served."""
        served = [self.cri.calls[row.name] for row in self.calls if row.answer == "answered"]
        requests = self.cri.below(request for request, _ in served)
        responses = self.cri.below(response for _, response in served)
        places = {"honoured": requests, "refused": requests, "answered": responses}
        self.expect([f"{row}: no served call has it where it could be {row.word}" for row in self.fields
                     if row.word in places and row.owner not in places[row.word]])

    def test_a_call_is_answered_if_it_is_served(self):
        with open(os.path.join(SOURCE, "daemons/cri-frontend/cri-services.cc")) as file:
            served = set(re.findall(r"\b([A-Z]\w+)\(\s*Context\*", file.read()))
        wrong = [f"{row}: cri-services.cc does not serve it" for row in self.calls
                 if row.answer == "answered" and row.name not in served]
        # A call may be there to say why it is not.
        wrong += [f"{row}: cri-services.cc serves it" for row in self.calls if row.answer != "answered" and row.name in served
                  and not any(cited(name).mentions("UNIMPLEMENTED") for name in row.tests)]
        self.expect(wrong)

    def test_a_refusal_names_its_field(self):
        """The path is one in a request, and leads to the row's field, into it, or to what it is a part of."""
        wrong = []
        for row in self.fields:
            if row.word != "refused":
                continue
            names = row.refusal[1].split(".")
            ends = self.cri.at(names)
            part_of_end = any(row.owner in self.cri.below([self.cri.messages[owner][name]]) for owner, name in ends)
            passed = [end for length in range(1, len(names) + 1) for end in self.cri.at(names[:length])]
            if not ends or not part_of_end and (row.owner, row.name) not in passed:
                wrong.append(f"{row}: '{row.refusal[1]}' does not lead there")
        self.expect(wrong)

    def test_the_source_reads_and_writes_what_is_said(self):
        """The accessors that protoc made are used somewhere, or not: what nobody reads is not honoured."""
        used = set(re.findall(r"[.>]([a-z0-9_]+)\(", frontend_source()))
        names = [name for fields in self.cri.messages.values() for name in fields]
        wrong = []
        for row in self.fields:
            name = row.name.lower() + ("_" if row.name == "namespace" else "")
            readers = {name, name + "_size", "has_" + name}
            writers = {"set_" + name, "mutable_" + name, "add_" + name}
            # Messages that requests and responses share are copied whole.
            shared = row.owner in self.cri.below(request for request, _ in self.cri.calls.values())
            if row.word == "honoured" and not used & readers:
                wrong.append(f"{row}: bulkhead-cri never reads it")
            if row.word == "answered" and not used & (writers | (readers if shared else set())):
                wrong.append(f"{row}: bulkhead-cri never sets it")
            if row.word in ("ignored", "not yet") and names.count(row.name) == 1 and used & (readers | writers):
                wrong.append(f"{row}: bulkhead-cri uses it: is it still {row.word}?")
        self.expect(wrong)

    def test_the_named_tests_look_at_it(self):
        """They exist, they run, and they have the field's name in them; of a refusal, its field and code."""
        wrong = []
        for row in self.rows:
            for name in row.tests:
                try:
                    test = cited(name)
                except UnknownTest as error:
                    wrong.append(f"{row}: {error}")
                    continue
                if row.word == "honoured" and "/translate/" in test.file:
                    wrong.append(f"{row}: {name} looks at no effect: a translation has none yet")
                if not test.asserts:
                    wrong.append(f"{row}: {name} asserts nothing")
                if row.word == "refused":
                    code, path = row.refusal
                    if not test.says(path.split(".")[-1]):
                        wrong.append(f"{row}: {name} says nothing of '{path.split('.')[-1]}'. Is it still refused?")
                    elif not test.mentions(code):
                        wrong.append(f"{row}: {name} does not look at the code {code}")
                elif not test.mentions(row.name):
                    wrong.append(f"{row}: {name} does not mention it")
        self.expect(wrong)

    def test_what_is_said_is_tested(self):
        wrong = [f"{row}: a refusal, and no test of it" for row in self.fields if row.word == "refused" and not row.tests]
        wrong += [f"{row}: is served, and no test calls it" for row in self.calls if row.word == "answered" and not row.tests]
        self.expect(wrong)
        untested = [str(row) for row in self.fields if row.word in ("honoured", "answered") and not row.tests]
        self.assertEqual(len(untested), UNTESTED, "UNTESTED in this file is only ever lowered; now without a test:\n  "
                         + "\n  ".join(untested))

    def test_each_lie_is_seen(self):
        """The page with one row changed at a time: the check that is for such a lie fails."""
        asked = r"^(\| servers \| honoured \|.*\| ).*$"
        for check, row, lie in (
                (self.test_everything_has_one_row, r"^\| servers .*\n", ""),
                (self.test_everything_has_one_row, r"^(\| servers .*\n)", r"\1\1"),
                (self.test_everything_has_one_row, r"^\| servers ", "| serverz "),
                (self.test_answers_are_of_the_allowed_words, r"^\| servers \| honoured", "| servers | done"),
                (self.test_what_is_said_can_be_so, r"^\| exit_code \| answered", "| exit_code | honoured"),
                (self.test_a_call_is_answered_if_it_is_served, r"^\| Version \| answered", "| Version | not yet (issue 4)"),
                (self.test_a_refusal_names_its_field, r"`config\.windows`", "`config.mounts`"),
                (self.test_the_source_reads_and_writes_what_is_said, r"^(\| user_specified_image \|) honoured", r"\1 ignored"),
                (self.test_the_source_reads_and_writes_what_is_said, r"^(\| selinux_relabel \|) not yet [^|]*", r"\1 honoured "),
                (self.test_the_named_tests_look_at_it, asked, r"\1`test_fields.Pods.test_privileged` |"),
                (self.test_the_named_tests_look_at_it, asked, r"\1`test_fields.Pods.test_nothing` |"),
                (self.test_the_named_tests_look_at_it, asked, r"\1`Flows.NoSuch` |"),
                (self.test_the_named_tests_look_at_it, r"INVALID_ARGUMENT `config\.windows`", "NOT_FOUND `config.windows`"),
                (self.test_the_named_tests_look_at_it, asked, r"\1`PodTranslation.RefusesResolvConfInjection` |"),
                (self.test_what_is_said_is_tested, asked, r"\1- |")):
            changed = re.sub(row, lie, page(), count=1, flags=re.M)
            with self.subTest(lie=lie, of=row):
                self.assertNotEqual(changed, page(), "there is no such row any more")
                self.read(changed)
                self.assertRaises(AssertionError, check)


if __name__ == "__main__":
    unittest.main()
