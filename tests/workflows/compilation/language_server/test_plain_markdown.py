"""Documentation comments as people read them."""

from __future__ import annotations

import pytest

from workflows.compilation.language_server.plain_markdown import plain


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("```tsx\nf(): void\n```\nDoes it.", "f(): void\n\nDoes it."),
        ("```tsx\ntype A = `*x*-${B}`\n```", "type A = `*x*-${B}`"),
        ("The **`digest()`** method of *this*.", "The digest() method of this."),
        ("[MDN Reference](https://developer.mozilla.org/x)", "MDN Reference"),
        ("See {@link Map} and {@link Set | sets}.", "See Map and sets."),
        ("*@param* `key` \u2014 the key", "key: the key"),
        ("@throws \u2014 {TypeError} If it fails.", "Throws: TypeError: If it fails."),
        ("*@returns* \u2014 a list", "Returns: a list"),
        ("@deprecated", "Deprecated:"),
        ("# Title\n\n\n\ntext", "Title\n\ntext"),
        ("a \\* b &lt;b&gt; <i>", "a * b <b> <i>"),
        ("2 * 3 * 4, snake_case_name, a@b.test", "2 * 3 * 4, snake_case_name, a@b.test"),
    ],
)
def test_marks_are_removed_and_text_is_kept(markdown: str, text: str) -> None:
    assert plain(markdown) == text
