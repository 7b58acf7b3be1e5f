"""What the names of an expression stand for."""

from collections.abc import Collection, Iterator, Mapping

from mulligan.core.expressions.limits import NAMES_PER_UNIT
from mulligan.core.expressions.values import Value, as_value

# A pass over the names for each key is cheaper than sorting all of them, up to this many keys.
_PASSES_BEFORE_INDEX = 3


class FlatObject(Mapping[str, object]):
    """Show flat dotted names as an object whose children are found when they are asked for.

    A part that is only digits is an ordinary key, and ``a[0]`` asks for the key ``0``. An object
    that also has a text of its own (``own_text``) computes as its children and prints as the text.
    """

    __slots__ = ("_children", "_groups", "_hidden", "_names", "_prefix", "_variables", "own_text")

    def __init__(
        self,
        variables: Mapping[str, str],
        names: Collection[str],
        *,
        prefix: str = "",
        hidden: Collection[str] = (),
        own_text: str | None = None,
    ) -> None:
        self._variables = variables
        self._names = names
        self._prefix = prefix
        self._hidden = hidden
        self._children: dict[str, Value] = {}
        self._groups: dict[str, list[str]] | None = None
        self.own_text = own_text

    def __getitem__(self, key: str) -> Value:
        """Give a child: an object when longer names begin with it, else its text."""
        try:
            child = self._children[key]
        except KeyError:
            child = self._children[key] = self._find(key)
        if child is None:
            raise KeyError(key)
        return child

    def __iter__(self) -> Iterator[str]:
        """List the keys in order of the names; keys that are all digits come by number."""
        keys = list(self._grouped())
        if all(map(_is_digits, keys)):
            keys.sort(key=lambda digits: (len(digits), digits))
        return iter(keys)

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._grouped())

    @property
    def search_units(self) -> int:
        """Units of work to pay for finding a child."""
        return len(self._names) // NAMES_PER_UNIT if self._groups is None else 0

    def _find(self, key: str) -> Value:
        path = self._prefix + key
        below = path + "."
        if self._groups is None and len(self._children) >= _PASSES_BEFORE_INDEX:
            self._grouped()
        hidden = self._hidden
        names = self._names if self._groups is None else self._groups.get(key, ())
        longer = [name for name in names if name.startswith(below) and name not in hidden]
        own = None if path in hidden else self._variables.get(path)
        if not longer:
            return own
        return FlatObject(self._variables, longer, prefix=below, hidden=hidden, own_text=own)

    def _grouped(self) -> dict[str, list[str]]:
        """Sort the names under the keys they begin with, once."""
        if self._groups is None:
            start = len(self._prefix)
            groups: dict[str, list[str]] = {}
            for name in self._names:
                if name not in self._hidden:
                    groups.setdefault(name[start:].partition(".")[0], []).append(name)
            self._groups = groups
        return self._groups


class Context:
    """Hold the roots that an expression may name. Not changed by evaluation."""

    __slots__ = ("_more", "_tree")

    def __init__(
        self, tree: Mapping[str, object], more: Mapping[str, object] | None = None
    ) -> None:
        self._tree = tree
        self._more = more or {}

    @classmethod
    def from_flat(cls, variables: Mapping[str, str], hidden: Collection[str] = ()) -> "Context":
        """Take dotted names with their texts, as the engine keeps them.

        Nothing is built until an expression asks for it. The mapping must stay as it is while the
        context is in use.

        Args:
            variables: dotted names and texts.
            hidden: names that expressions must not see.
        """
        return cls(FlatObject(variables, variables, hidden=frozenset(hidden)))

    @classmethod
    def from_tree(cls, tree: Mapping[str, object]) -> "Context":
        """Take JSON-like data by root name: mappings, lists, texts, numbers, booleans, None."""
        return cls(tree)

    def with_root(self, name: str, value: Mapping[str, object]) -> "Context":
        """Give this context with one more root, which covers one of the same name."""
        return Context(self._tree, {**self._more, name: value})

    @property
    def roots(self) -> frozenset[str]:
        """All names that may begin a path."""
        return frozenset(self._tree) | frozenset(self._more)

    def has_root(self, name: str) -> bool:
        """Tell whether a name may begin a path."""
        return name in self._more or name in self._tree

    def get_root(self, name: str) -> Value:
        """Give the value of a root; raise KeyError for one that does not exist."""
        return as_value(self._more[name] if name in self._more else self._tree[name])


def _is_digits(key: str) -> bool:
    return key.isascii() and key.isdigit()
