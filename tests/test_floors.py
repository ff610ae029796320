"""Each floor of the library imports from lower floors only, and without cycles."""

import ast
from pathlib import Path

import pytest

import loftet_analysis

LIBRARY = Path(loftet_analysis.__file__).parent
FLOORS = {
    "errors": 0,
    "names": 0,
    "estimands": 0,
    "schema": 0,
    "paths": 0,
    "stats": 1,
    "tabular": 1,
    "study": 2,
    "disclosure": 3,
    "cleaning": 4,
    "analysis": 5,
    "show": 6,
    "batch": 7,
}
# beside the floors: may be used by `batch` alone, and itself uses floors 0 to 2
BESIDE = {"demo": (2, {"batch"})}
FRONT = {"__init__", "__main__"}
# what a command that finds nothing to do can do without is imported when it is needed
LATE = {
    "loftet_analysis.batch.cli",
    "loftet_analysis.batch.commands",
    "loftet_analysis.batch.kernels",
}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def _modules() -> dict[str, Path]:
    found = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def imports(path: Path) -> list[tuple[int, str, bool]]:
    """Line, imported module of the library, and whether it stands at the top of the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert "*" not in {alias.name for alias in node.names}, f"{path}:{node.lineno}: star"
            # `from package import module` names the module, anything else the package itself
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            targets = [name if name in MODULES else node.module for name in full]
        else:
            continue
        found += [
            (node.lineno, target, id(node) in top)
            for target in targets
            if target.split(".")[0] == "loftet_analysis"
        ]
    return found


def allowed(importer: str, imported: str) -> bool:
    if importer == imported or imported == "__init__" or importer in FRONT:
        return True
    if importer in BESIDE:
        return FLOORS[imported] <= BESIDE[importer][0]
    if imported in BESIDE:
        return importer in BESIDE[imported][1]
    return FLOORS[imported] <= FLOORS[importer]


def test_every_room_has_a_floor():
    rooms = {room(module) for module in MODULES} - FRONT
    assert rooms == set(FLOORS) | set(BESIDE)


@pytest.mark.parametrize(("module", "path"), MODULES.items(), ids=list(MODULES))
def test_imports_go_down_and_stand_at_the_top(module, path):
    for line, target, at_top in imports(path):
        assert at_top or module in LATE, f"{path.name}:{line}: import of {target} inside a function"
        assert allowed(room(module), room(target)), f"{path.name}:{line}: {target} lies higher"


def test_the_engine_needs_nothing_of_the_library_but_its_errors():
    engine = {module: path for module, path in MODULES.items() if room(module) == "stats"}
    assert len(engine) > 10
    for path in engine.values():
        others = {target for _, target, _ in imports(path) if room(target) != "stats"}
        assert others <= {"loftet_analysis.errors"}, f"{path.name}: {others}"


def test_no_cycles_between_modules():
    graph = {
        module: {target for _, target, _ in imports(path) if target != module}
        for module, path in MODULES.items()
    }
    seen, done = [], set()

    def walk(module: str) -> None:
        assert module not in seen, f"cycle: {' → '.join([*seen[seen.index(module) :], module])}"
        if module in done:
            return
        seen.append(module)
        for target in sorted(graph[module] - {"loftet_analysis"}):
            walk(target)
        done.add(seen.pop())

    for module in MODULES:
        walk(module)
