"""The command line: ``loftet COMMAND``. Starts fast, since only the chosen command is loaded."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from loftet_analysis import __version__
from loftet_analysis.batch import collect_rarely, interrupted
from loftet_analysis.batch.process import (
    compute_on_one_thread,
    print_readably,
    refuse_other_names,
    refuse_tight_memory,
)
from loftet_analysis.errors import InputError

BAD_INPUT = 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loftet",
        description="From raw survey exports to clean data, effects, figures and pages by region.",
        epilog="Exit codes: 0 done, 1 a notebook failed, 2 the input cannot be used.",
    )
    parser.add_argument("--version", action="version", version=f"loftet {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def of_study(command: str, said: str) -> argparse.ArgumentParser:
        made = commands.add_parser(command, help=said)
        made.add_argument("study")
        return made

    demo = commands.add_parser("demo", help="write the demo study's exports and run everything")
    _add_choices(demo)
    said = "the demo with two cohorts of schools, a study of its own (demo_cohorts)"
    demo.add_argument("--cohorts", action="store_true", help=said)

    new = commands.add_parser("new", help="draft a study's files from its exports, or templates")
    new.add_argument("study", help="the name of the folder that is made below data_raw/")
    new.add_argument("files", nargs="*", type=Path, metavar="FILE", help="exports, and a register")
    new.add_argument("--accept", action="store_true", help="guesses count without a look at them")
    new.add_argument("--region", metavar="NAME", default="", help="the one region of all schools")

    of_study("check", "read everything, change nothing, list all problems")
    _add_close(of_study("clean", "raw exports → data_clean/"))

    run = of_study("run", "what is out of date: clean → notebooks → site")
    _add_choices(run)
    _add_close(run)

    release = of_study("release", "freeze what goes outside, compared with earlier releases")
    release.add_argument(
        "--to", type=Path, metavar="FOLDER", help="also put it there; the folder is new, or empty"
    )

    of_study("select", "which schools to visit for interviews (internal)")

    letters = of_study("letters", "letters to schools, from templates (internal)")
    letters.add_argument(
        "--school", action="append", metavar="ID", help="only this school (may be repeated)"
    )
    letters.add_argument(
        "--language", action="append", metavar="L", help="nb, nn or en; default: the study's first"
    )

    of_study("export", "labelled .sav and .parquet, and the codebook")

    forget = of_study("forget-key", "destroy the key of the pseudonyms")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    forget.add_argument(
        "--keep-exports", action="store_true", help="although the raw exports are still there"
    )

    of_study("status", "what is done, stale (and why), failed")
    return parser


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options, further = parser.parse_known_args(arguments)
    if further and (options.command != "new" or any(text.startswith("-") for text in further)):
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    if further:  # argparse ends a list of files at the first option
        options.files += map(Path, further)
    return options


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--region", action="append", metavar="R", help="only this region (may be repeated)"
    )
    parser.add_argument(
        "--notebook", action="append", metavar="N", help="only this notebook, e.g. 04_pupils"
    )
    parser.add_argument(
        "--language",
        action="append",
        metavar="L",
        help="nb, nn or en, beside those there are pages in; default: the study's first",
    )
    parser.add_argument(
        "--schools", action="store_true", help="also a page for each school's leader"
    )
    parser.add_argument(
        "--jobs", type=_at_least_one, metavar="N", help="kernels at a time; default: cores + 1"
    )
    parser.add_argument(
        "--scheduler",
        type=_address,
        metavar="ADDRESS",
        help="run on a Dask cluster, e.g. tcp://host:8786",
    )
    parser.add_argument(
        "--time-limit",
        type=_at_least_one,
        default=3600,
        metavar="SECONDS",
        help="stop a notebook that takes longer; default: 3600",
    )
    parser.add_argument(
        "--fresh-kernels",
        action="store_true",
        help="start every kernel by itself instead of forking it: slower, same results",
    )
    parser.add_argument("--force", action="store_true", help="also what is up to date")


def _add_close(parser: argparse.ArgumentParser) -> None:
    said = "close the waves that are open: their answers are shown from now on, for good"
    parser.add_argument("--close", action="store_true", help=said)


def _at_least_one(given: str) -> int:
    number = int(given) if given.isascii() and given.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"found: {given}; allowed: a whole number from 1 up")
    return number


def _address(given: str) -> str:
    if not given.strip():
        raise argparse.ArgumentTypeError(
            "found: nothing; allowed: the address that a Dask scheduler prints, such as "
            "tcp://host:8786; leave the option out to run here"
        )
    return given.strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; default: those of the process.

    Returns
    -------
    int
        Exit code: 0 done, 1 a notebook failed, 2 the input cannot be used, 130 interrupted.
    """
    print_readably()
    options = vars(_options(arguments))
    name = options.pop("command")
    collect_rarely()
    compute_on_one_thread()
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _noted
    try:
        refuse_tight_memory()
        refuse_other_names()
        from loftet_analysis.batch import commands

        return getattr(commands, name.replace("-", "_"))(**options)
    except BrokenPipeError:  # somebody reads only the first lines
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return interrupted()
    except InputError as error:
        refusal = error
    except OSError as error:
        refusal = InputError(
            "cannot read or write",
            found=error.strerror or str(error),
            where=str(error.filename or ""),
            todo="look at the path, its permissions and the room on its disk",
        )
    except UnicodeEncodeError as error:
        refusal = InputError(
            "a name that is no text",
            found=error.reason,
            allowed="names of folders and files in UTF-8",
            where=str(Path.cwd()),
            todo="rename the folder, or the file in it",
        )
    except MemoryError:
        refusal = InputError(
            "too little memory",
            found="what the computer, or a limit (ulimit, a cluster's queue), gave is used up",
            todo="close other programs, take a lower --jobs, or run where there is more memory",
        )
    count = len(refusal.problems)
    print(f"{count} problem{'s' if count > 1 else ''}:\n\n{refusal}", file=sys.stderr)
    return BAD_INPUT


def _noted(ignored: sys.UnraisableHookArgs) -> None:
    """Note in the log what went wrong while something was thrown away, as a client's event loop."""
    logging.getLogger("loftet").info(
        "ignored: %s: %s", ignored.exc_type.__name__, ignored.exc_value
    )
