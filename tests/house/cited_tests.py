"""Tests by the names that documents give them: `file.Class.test` (Python), `Suite.Name` (GoogleTest)."""

import ast
import functools
import os
import re

from test_budgets import SOURCE, tracked

CLIENT = "tests/support/cri.py"


class UnknownTest(Exception):
    pass


def normal(word):
    return word.lower().replace("_", "")


def words(text):
    return re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text)


class Test:
    def __init__(self, file, names, texts):
        self.file, self._names, self._texts = file, {normal(name) for name in names}, texts

    def mentions(self, name):
        """Whether an identifier of the test, or a word in its texts, is this name; however it is spelled."""
        return normal(name) in self._names

    def says(self, word):
        """Whether a text in the test's own body has this word."""
        return any(word in words(text) for text in self._texts)

    @property
    def asserts(self):
        return any(name.startswith(("assert", "expect", "waituntil")) for name in self._names)


@functools.lru_cache(None)
def files():
    return tuple(tracked())


@functools.lru_cache(None)
def cited(name):
    parts = name.split(".")
    if len(parts) == 3:
        return python_test(*parts)
    if len(parts) == 2:
        return google_test(*parts)
    raise UnknownTest(f"'{name}' is neither file.Class.test nor Suite.Name")


# Python

@functools.lru_cache(None)
def parsed(file):
    with open(os.path.join(SOURCE, file)) as source:
        return ast.parse(source.read(), file)


def identifiers(node):
    found = [word for text in texts_in(node) for word in words(text)]
    for each in ast.walk(node):
        for field in ("id", "attr", "arg", "name"):
            value = getattr(each, field, None)
            if isinstance(value, str):
                found.append(value)
    return set(found)


def texts_in(node):
    """All but docstrings, which claim and do nothing."""
    said = {id(each.value) for each in ast.walk(node) if isinstance(each, ast.Expr)}
    found = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and id(each) not in said]
    return [value if isinstance(value, str) else value.decode(errors="replace") for value in found
            if isinstance(value, (str, bytes))]


def parts(body):
    """(name, node) of the functions, methods and constants that these statements define; no test is one."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from parts(node.body)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"):
            yield node.name, node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def helpers(file):
    """{name: nodes} of what a test of this file may use: of the file, of its neighbours that it imports, and the client."""
    names = {alias.name for node in parsed(file).body if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in parsed(file).body if isinstance(node, ast.ImportFrom)}
    used = [file, CLIENT] + [f"{os.path.dirname(file)}/{name}.py" for name in sorted(names)]
    found = {}
    for each in filter(files().__contains__, used):
        for name, node in parts(parsed(each).body):
            found.setdefault(name, []).append(node)
    return found


def python_test(module, class_name, test_name):
    found = [name for name in files() if re.fullmatch(rf"tests/[a-z-]+/{module}\.py", name)]
    if len(found) != 1:
        raise UnknownTest(f"{module}.py is not one file of tests")
    file = found[0]
    with open(os.path.join(SOURCE, os.path.dirname(file), "CMakeLists.txt")) as cmake:
        if not re.search(rf"^[^#\n]*\b{module}\b", cmake.read(), re.M):
            raise UnknownTest(f"{file} is run by nothing")
    classes = {node.name: node for node in parsed(file).body if isinstance(node, ast.ClassDef)}
    method = find_method(classes, class_name, test_name)
    if method is None:
        raise UnknownTest(f"{file} has no {class_name}.{test_name}")
    if not test_name.startswith("test"):
        raise UnknownTest(f"{class_name}.{test_name} is no test")
    if method.decorator_list:
        raise UnknownTest(f"{class_name}.{test_name} is not always run")
    return Test(file, names_used(method, file), texts_in(method))


def find_method(classes, class_name, test_name):
    """In the class or its bases, as far as they are in the same file."""
    node = classes.get(class_name)
    if node is None:
        return None
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == test_name:
            return each
    bases = [find_method(classes, base.id, test_name) for base in node.bases if isinstance(base, ast.Name)]
    return next(filter(None, bases), None)


def names_used(method, file):
    """The test's identifiers, and those of what it uses of its own file and of what that imports."""
    available, found = helpers(file), set()
    left = identifiers(method) | {"setUp", "setUpClass"}
    while left:
        found |= left
        nodes = [node for name in left for node in available.pop(name, [])]
        left = set().union(*map(identifiers, nodes)) - found if nodes else set()
    return found


# GoogleTest

@functools.lru_cache(None)
def google_tests():
    """{Suite.Name: [(file, text)]}"""
    found = {}
    for file in files():
        if not file.endswith("_test.cc"):
            continue
        with open(os.path.join(SOURCE, file)) as source:
            text = source.read()
        for match in re.finditer(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\) \{\n(.*?)^\}", text, re.M | re.S):
            found.setdefault(f"{match[1]}.{match[2]}", []).append((file, match[3], text))
    return found


def google_test(suite, name):
    found = google_tests().get(f"{suite}.{name}", [])
    if len(found) != 1:
        raise UnknownTest(f"{suite}.{name} is not one test in a *_test.cc")
    file, body, whole = found[0]
    if not any(is_built(directory, file) for directory in parents(file)):
        raise UnknownTest(f"{file} is built by nothing")
    stripped = re.sub(r"//[^\n]*", "", body)
    names = {re.sub(r"^(set_?|mutable_|add_|has_|init|get)|_size$", "", word) or word for word in words(stripped)}
    # A code is compared in a helper of the file.
    names |= set(re.findall(r"Code::(\w+)", whole))
    return Test(file, names | set(words(stripped)), re.findall(r'"((?:[^"\\\n]|\\.)*)"', stripped))


def parents(file):
    directory = os.path.dirname(file)
    while directory:
        yield directory
        directory = os.path.dirname(directory)


def is_built(directory, file):
    lists = os.path.join(SOURCE, directory, "CMakeLists.txt")
    if not os.path.exists(lists):
        return False
    with open(lists) as cmake:
        return os.path.relpath(file, directory) in re.findall(r"[\w./-]+", re.sub(r"#[^\n]*", "", cmake.read()))
