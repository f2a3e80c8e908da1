"""`runstreams completion`: what lets a shell complete commands and options.

It is written from the parser, so that it knows what that knows.
"""

import argparse
from collections.abc import Iterator

from .exits import DONE

_BASH = """_runstreams() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} words
    case ${{COMP_WORDS[1]}} in
{cases}
        *) words="{commands}" ;;
    esac
    [[ $COMP_CWORD -eq 1 ]] && words="{commands}"
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _runstreams runstreams
"""

_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"
"""Zsh understands what is written for bash."""


def run(args: argparse.Namespace) -> int:
    """Print it."""
    from .parser import parser

    commands = commands_of(parser())
    print(_SHELLS[args.shell](commands), end="")
    return DONE


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, which argparse tells nobody:
    https://github.com/python/cpython/blob/main/Lib/argparse.py.
    """
    (found,) = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return dict(found.choices)


def options_of(command: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Yield each option of a command, with what it does; and the words that may be chosen."""
    for action in command._actions:
        names = [name for name in action.option_strings if name.startswith("--")]
        for name in names or (action.choices or () if not action.option_strings else ()):
            yield str(name), (action.help or "").partition(" [")[0].replace("%%", "%")


def bash(commands: dict[str, argparse.ArgumentParser]) -> str:
    """Return the completion for bash."""
    cases = [
        f'        {name}) words="{" ".join(option for option, _ in options_of(command))}" ;;'
        for name, command in commands.items()
    ]
    return _BASH.format(cases="\n".join(cases), commands=" ".join(commands))


def zsh(commands: dict[str, argparse.ArgumentParser]) -> str:
    """Return the completion for zsh."""
    return _ZSH + bash(commands)


def fish(commands: dict[str, argparse.ArgumentParser]) -> str:
    """Return the completion for fish."""
    lines = [f"complete -c runstreams -n __fish_use_subcommand -a '{' '.join(commands)}'"]
    for name, command in commands.items():
        seen = f"complete -c runstreams -n '__fish_seen_subcommand_from {name}'"
        for option, text in options_of(command):
            word = f"-l {option[2:]}" if option.startswith("--") else f"-a {option}"
            lines.append(f"{seen} {word} -d {_quoted(text)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
