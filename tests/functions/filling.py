"""A template with its parameters filled in, as CloudFormation does it."""

import re
from typing import Any

Template = dict[str, Any]

NO_VALUE = {"Ref": "AWS::NoValue"}
"""What stands where there is nothing."""


class Filled:
    """What a template is with some parameters, and the defaults of all others."""

    def __init__(self, template: Template, **parameters: Any) -> None:
        """Take the defaults for everything that *parameters* leaves out."""
        ours = {name for name in parameters if not name.startswith("AWS::")}
        assert ours <= template["Parameters"].keys()
        self._template = template
        self._known = {
            **{name: each.get("Default") for name, each in template["Parameters"].items()},
            **parameters,
        }

    def resource(self, name: str) -> Any:
        """Return the properties of a resource."""
        return self.of(self._template["Resources"][name]["Properties"])

    def whole(self) -> Template:
        """Return the template itself, with what depends on parameters decided."""
        decided = ("Globals", "Resources", "Outputs")
        return {**self._template, **{part: self.of(self._template[part]) for part in decided}}

    def made(self, kind: str) -> list[str]:
        """Return the names of the resources of a *kind* that there are."""
        return [name for name, each in self.there().items() if each["Type"] == kind]

    def there(self) -> dict[str, Any]:
        """Return the resources that there are: those without a condition, or whose holds."""
        return {
            name: each
            for name, each in self._template["Resources"].items()
            if "Condition" not in each or self._holds(each["Condition"])
        }

    def outputs(self) -> dict[str, Any]:
        """Return the outputs that there are."""
        found = self._template["Outputs"].items()
        return {
            name: self.of({key: each[key] for key in each if key != "Condition"})
            for name, each in found
            if "Condition" not in each or self._holds(each["Condition"])
        }

    def of_type(self, kind: str) -> dict[str, Any]:
        """Return the properties of all resources of a *kind*, by name."""
        found = self._template["Resources"].items()
        return {name: self.resource(name) for name, each in found if each["Type"] == kind}

    def of(self, value: Any) -> Any:
        """Return what *value* comes to; what is `AWS::NoValue` is left out where it stands."""
        if isinstance(value, list):
            return [found for part in value if (found := self._of(part)) != NO_VALUE]
        return self._of(value)

    def _of(self, value: Any) -> Any:
        if isinstance(value, list):
            return self.of(value)
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(word, said)] = value.items()
            if word == "Ref":
                return self._known.get(said, value)
            if word == "Fn::If":
                condition, then, otherwise = said
                return self._of(then if self._holds(condition) else otherwise)
            if word == "Fn::FindInMap":
                name, *keys = self._of(said)
                return self._template["Mappings"][name][str(keys[0])][keys[1]]
            if word == "Fn::Split":
                separator, text = self._of(said)
                return text.split(separator)
            if word == "Fn::Sub":
                return {word: self._substituted(said)}
        found = {key: self._of(part) for key, part in value.items()}
        return {key: part for key, part in found.items() if part != NO_VALUE}

    def _substituted(self, said: Any) -> Any:
        if isinstance(said, list):
            text, parts = said
            return [self._substituted(text), self._of(parts)]
        return re.sub(r"\$\{(\w+)\}", self._substitute, said)

    def _substitute(self, found: re.Match[str]) -> str:
        return str(self._known.get(found[1], found[0]))

    def _holds(self, condition: str) -> bool:
        return self._true(self._template["Conditions"][condition])

    def _true(self, said: Any) -> bool:
        [(word, parts)] = said.items()
        if word == "Condition":
            return self._holds(parts)
        if word == "Fn::Equals":
            one, other = self._of(parts)
            return str(one) == str(other)
        if word == "Fn::Not":
            return not self._true(parts[0])
        assert word in ("Fn::Or", "Fn::And"), word
        found = [self._true(part) for part in parts]
        return any(found) if word == "Fn::Or" else all(found)
