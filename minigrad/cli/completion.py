"""`minigrad completion`: scripts that complete the command in a shell, made from its parser."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from minigrad.cli.options import known_words, make_parser
from minigrad.cli.output import Output

FLAG: Final = 0  # what `nargs` is where an option takes no value


@dataclass(frozen=True)
class Word:
    """An option or a positional argument.

    Attributes:
        names: `--lr`, and `-h` with `--help`; none of a positional argument.
        about: its help, in one line.
        value: what its value stands for; "" if it takes none.
        words: what the value may be, as far as that is known; files are meant where there are none.
    """

    names: tuple[str, ...]
    about: str
    value: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: what it is called.
        about: what it does, in one line.
        options, arguments: what can be given to it, with a name and by position.
    """

    name: str
    about: str
    options: tuple[Word, ...]
    arguments: tuple[Word, ...]


def run(arguments: argparse.Namespace) -> Output:
    """Print the script for a shell."""
    make = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}[arguments.shell]
    script = make(commands_of(make_parser()))
    return Output({"shell": arguments.shell, "script": script}, lambda: print(script, end=""))


def commands_of(parser: argparse.ArgumentParser) -> list[Command]:
    """The commands of the parser, with all that can be completed."""
    known = known_words()
    (subparsers,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    abouts = {action.dest: action.help or "" for action in subparsers._choices_actions}
    return [
        Command(
            name,
            abouts[name],
            tuple(_word(action, known) for action in command._actions if action.option_strings),
            tuple(_word(action, known) for action in command._actions if not action.option_strings),
        )
        for name, command in subparsers.choices.items()
    ]


def _word(action: argparse.Action, known: Mapping[str, tuple[str, ...]]) -> Word:
    value = "" if action.nargs == FLAG else str(action.metavar or action.dest)
    words = tuple(map(str, action.choices or known.get(value, ())))
    about = " ".join((action.help or "").split()).partition(" (default")[0]
    return Word(tuple(action.option_strings), re.sub(r"^\(.*", "", about), value, words)


def bash_script(commands: list[Command]) -> str:
    """Write the script for bash: a function that looks at the command, the word before and this one's beginning."""
    names = " ".join(command.name for command in commands)
    lines = [
        "_minigrad() {",
        '    local current="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""',
        '    if [ "$COMP_CWORD" -eq 1 ]; then',
        f'        words="{names} --help --version"',
        "    else",
        '        case "${COMP_WORDS[1]} $before" in',
        *(f'            {pattern}) words="{words}" ;;' for words, pattern in _bash_values(commands).items()),
        '            *) case "${COMP_WORDS[1]} $current" in',
        *(f'                "{c.name} "-*) words="{_options(c)}" ;;' for c in commands),
        *(f'                "{c.name} "*) words="{_words(c)}" ;;' for c in commands if _words(c)),
        "            esac ;;",
        "        esac",
        "    fi",
        '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        "complete -o default -F _minigrad minigrad",  # file names where no word fits
    ]
    return "\n".join(lines) + "\n"


def _bash_values(commands: list[Command]) -> dict[str, str]:
    """The patterns of command and option by the words that may follow."""
    patterns: dict[str, list[str]] = {}
    for command in commands:
        for option in command.options:
            if option.value:
                patterns.setdefault(" ".join(option.words), []).extend(f'"{command.name} {n}"' for n in option.names)
    return {words: "|".join(found) for words, found in patterns.items()}


def _options(command: Command) -> str:
    return " ".join(name for option in command.options for name in option.names)


def _words(command: Command) -> str:
    return " ".join(word for argument in command.arguments for word in argument.words)


def zsh_script(commands: list[Command]) -> str:
    """Write the script for zsh: _arguments, with a line an option."""
    lines = ["#compdef minigrad", '_minigrad_words() { compadd -- "$@"; _files }']
    lines += ["_minigrad() {", "    local -a commands=("]
    lines += [f"        {_quoted(f'{command.name}:{command.about}')}" for command in commands]
    lines += [
        "    )",
        "    if (( CURRENT == 2 )); then",
        "        _describe command commands",
        "        return",
        "    fi",
        '    local command="${words[2]}"',
        "    shift words",
        "    (( CURRENT-- ))",
        '    case "$command" in',
    ]
    for command in commands:
        lines += [f"        {command.name})", "            _arguments \\"]
        rows = [
            _quoted(f"{name}[{_bracketed(option.about)}]" + (_zsh_value(option) if option.value else ""))
            for option in command.options
            for name in option.names
        ]
        rows += [_quoted(f"*{_zsh_value(argument)}") for argument in command.arguments]
        lines += [f"                {row} \\" for row in rows[:-1]]
        lines += [f"                {rows[-1]} ;;"]
    lines += ["    esac", "}"]
    lines += ['if [ "$funcstack[1]" = _minigrad ]; then _minigrad "$@"; else compdef _minigrad minigrad; fi']
    return "\n".join(lines) + "\n"


def _zsh_value(word: Word) -> str:
    return f":{word.value}: _minigrad_words {' '.join(word.words)}" if word.words else f":{word.value}:_files"


def _bracketed(text: str) -> str:
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def fish_script(commands: list[Command]) -> str:
    """Write the script for fish: a `complete` an option."""
    lines = ["complete -c minigrad -n __fish_use_subcommand -f"]
    lines += [
        f"complete -c minigrad -n __fish_use_subcommand -a {command.name} -d {_quoted(command.about)}"
        for command in commands
    ]
    for command in commands:
        within = f"complete -c minigrad -n '__fish_seen_subcommand_from {command.name}'"
        lines += [f"{within} {_fish_option(option)}" for option in command.options]
        if _words(command):
            lines += [f"{within} -a {_quoted(_words(command))}"]
    return "\n".join(lines) + "\n"


def _fish_option(option: Word) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    about = f" -d {_quoted(option.about)}" if option.about else ""
    value = "" if not option.value else f" -xa {_quoted(' '.join(option.words))}" if option.words else " -r"
    return names + about + value


def _quoted(text: str) -> str:
    """In single quotes, which all three shells understand; what cannot stand within is left out."""
    return "'" + text.replace("'", "") + "'"
