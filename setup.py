"""Notebooks and templates go into the package that is built; in git they lie beside it."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithNotebooks(build_py):
    """Put ``notebooks/`` and ``docs/templates/`` where `loftet_analysis.paths` looks for them."""

    def _notebooks(self) -> dict[str, str]:
        """Return where each is to lie, and where it lies now."""
        folder = Path(self.build_lib, "loftet_analysis")
        there = [*Path("notebooks").rglob("*.ipynb"), *Path("docs/templates").glob("*.txt")]
        there = sorted(path.as_posix() for path in there)
        there = [path for path in there if "/." not in path]
        if self.editable_mode:
            return {}
        return {str(folder / path.removeprefix("docs/")): path for path in there}

    def run(self) -> None:
        """Build, then add what lies beside the package."""
        super().run()
        for target, source in self._notebooks().items():
            self.mkpath(str(Path(target).parent))
            self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return every file that is built."""
        return [*super().get_outputs(include_bytecode), *self._notebooks()]

    def get_source_files(self) -> list[str]:
        """Return every file that a source distribution needs."""
        return [*super().get_source_files(), *self._notebooks().values()]


setup(cmdclass={"build_py": WithNotebooks})
